"""How many frames lie between two that arrived, by the numbers that their client gave them."""

from __future__ import annotations

__all__ = ["Numbering"]

WRAP = 2**32


class Numbering:
    """Sequence numbers of one connection.

    A client that leaves frames out, as its connection or the server is slow, numbers them all the same. The
    least step of a connection is taken for one frame, since some clients number frames that they never mean
    to send.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._least: int | None = None

    def frames(self, sequence: int) -> int:
        """Return how many frames there were since the one before, with this one; 1 where nobody can tell."""
        last, self._last = self._last, sequence
        step = 0 if last is None else (sequence - last) % WRAP
        if not 0 < step < WRAP // 2:
            return 1
        self._least = step if self._least is None else min(self._least, step)
        return max(1, round(step / self._least))
