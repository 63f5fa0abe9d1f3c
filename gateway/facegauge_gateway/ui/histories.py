"""The last two minutes of every stream: one quality a second, in 2 bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from facegauge_client import StreamStatus

__all__ = ["LENGTH", "Histories"]

LENGTH = 120
"""Entries that are kept, one a second."""
NONE = -1
SCALE = 10_000
SLACK_S = 1.5
"""What a list may be late by before the seconds without one are told as such."""

Key = tuple[str, str, str]


class Histories:
    """Histories of the streams that are in the newest list, and of no others."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._ages_s: dict[Key, float] = {}
        self._kept: dict[Key, array[int]] = {}

    def add(self, streams: Iterable[StreamStatus], now_s: float) -> None:
        """Take a list of all streams; `now_s` is on any clock that does not go back."""
        passed_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        gap = array("h", [NONE]) * min(int(passed_s - 1.0) if passed_s > 1.0 + SLACK_S else 0, LENGTH)
        ages_s, kept = {}, {}
        for stream in streams:
            key = _key(stream)
            history = self._kept.get(key)
            if history is None or stream.age_s < self._ages_s[key]:  # another stream under the same name
                history = array("h")
            else:
                history.extend(gap)
            history.append(NONE if stream.quality is None else round(stream.quality * SCALE))
            del history[:-LENGTH]
            ages_s[key], kept[key] = stream.age_s, history
        self._ages_s, self._kept = ages_s, kept

    def copy(self, streams: Iterable[StreamStatus]) -> list[bytes]:
        """Return the histories of these streams, for `text`."""
        return [
            self._kept[key].tobytes() if (key := _key(stream)) in self._kept else b"" for stream in streams
        ]

    @staticmethod
    def text(history: bytes) -> str:
        """Write a history as JSON: qualities 0-1, oldest first, null where there was none."""
        entries = array("h", history)
        return "[" + ",".join("null" if entry == NONE else f"{entry / SCALE:g}" for entry in entries) + "]"


def _key(stream: StreamStatus) -> Key:
    return stream.tenant, stream.call_id, stream.stream_id
