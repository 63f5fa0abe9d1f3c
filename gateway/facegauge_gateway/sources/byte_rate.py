"""A limit on bytes a second, with bursts of a second: a token bucket."""

from __future__ import annotations

__all__ = ["ByteRate"]


class ByteRate:
    """Lets through `bytes_per_s`, and as much again at once."""

    def __init__(self, bytes_per_s: float, now_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._left = bytes_per_s
        self._seen_s = now_s

    def allow(self, size: int, now_s: float) -> bool:
        """Whether so many more bytes may pass; they then count."""
        refilled = self._left + (now_s - self._seen_s) * self._bytes_per_s
        self._left = min(self._bytes_per_s, refilled)
        self._seen_s = now_s
        if self._left < size:
            return False
        self._left -= size
        return True
