"""What is wrong with one stream, from its faults and its picture's causes to what is named in its quality."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from facegauge_server.faults.stream_faults import StreamFaults
from facegauge_server.snapshots import CausesSnapshot
from facegauge_server.streams.named_causes import CauseChanges, NamedCauses
from facegauge_server.types import Cause, CauseKind, FrameResult, FrameScore, StreamQuality

__all__ = ["StreamCauses"]

SILENT_CHECKS = 2
"""Checks in a row that find no new frame: what came while the event loop was busy is read between them."""
MAX_WAITING = 64
"""Frames whose time is kept until one is scored that was captured later."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A frame that arrived; see `Arrivals.frame`."""

    capture_time_s: float
    frames: int
    is_decodable: bool


class StreamCauses:
    """The causes of one stream. Tells a listener after every update what began, ended and lasted."""

    def __init__(self, on_changes: Callable[[CauseChanges], None]) -> None:
        self._faults = StreamFaults()
        self._named = NamedCauses()
        self._on_changes = on_changes
        self._silent_checks = 0
        self._seen_s = 0.0
        self._named_s = -math.inf
        self._waiting: deque[_Arrival] = deque(maxlen=MAX_WAITING)
        """Frames that arrived after the one that was scored last."""

    @property
    def times_s(self) -> dict[CauseKind, float]:
        """Capture time for which each cause has been named so far."""
        return dict(self._named.times_s)

    @property
    def _kinds(self) -> list[CauseKind]:
        return [fault.kind for fault in self._faults.now]

    def arrived(self, capture_time_s: float, frames: int = 1, *, is_decodable: bool = True) -> None:
        """Note a frame that arrived, be it scored later or not: see `Arrivals.frame`."""
        self._silent_checks = 0
        if math.isfinite(capture_time_s):
            if len(self._waiting) == MAX_WAITING:
                self._catch_up(self._waiting[0].capture_time_s)
            self._waiting.append(_Arrival(capture_time_s, frames, is_decodable))

    def undecodable_since(self, capture_time_s: float) -> None:
        """Note that frames from this capture time on, which have arrived, could not be decoded after all."""
        self._catch_up(math.inf)
        self._faults.arrivals.undecodable_since(capture_time_s)

    def interrupted(self) -> None:
        """Note that the connection that carried the stream broke, or begins."""
        self._catch_up(math.inf)
        self._faults.arrivals.interrupted()

    def scored(self, score: FrameScore, quality: StreamQuality) -> StreamQuality:
        """Take a frame's score; returns the quality with what is named as wrong."""
        self._faults.views.frame(score)
        if score.result is not FrameResult.ERROR:
            self._seen_s = score.capture_time_s
            self._catch_up(self._seen_s)
        return self.name(quality)

    def check(self, silent_s: float, unscored_s: float, quality: StreamQuality) -> StreamQuality | None:
        """Look at a live stream between two scores.

        Args:
            silent_s: for how long no frame has come.
            unscored_s: for how long none has been scored.
            quality: the stream's, as it is.

        Returns:
            The quality with what is named, where a fault of the stream lasts or has just ended.
        """
        before = self._kinds
        self._catch_up(math.inf)
        limit_s = self._faults.arrivals.silence_threshold_s
        is_silent = limit_s is not None and silent_s >= limit_s
        self._silent_checks = self._silent_checks + 1 if is_silent else 0
        if self._silent_checks >= SILENT_CHECKS:
            self._faults.arrivals.silence(silent_s)
        return self.name(quality, unscored_s) if before or self._kinds else None

    def name(self, quality: StreamQuality, later_s: float = 0.0) -> StreamQuality:
        """Return a quality with what is named as wrong, `later_s` after the last frame that was scored."""
        causes = [cause for cause in quality.causes if isinstance(cause, Cause)]
        # The server's clock stands in between two scores: what follows may have been captured before.
        self._named_s = max(self._named_s, self._seen_s + later_s)
        changes = self._named.update(self._faults.now, causes, quality.quality, self._named_s)
        self._on_changes(changes)
        return replace(quality, causes=(*self._named.faults, *causes), main_cause=self._named.main)

    def snapshot(self) -> CausesSnapshot:
        """Return what is wrong, and what the rules remember."""
        named_s = self._named_s if math.isfinite(self._named_s) else None
        return CausesSnapshot(self._faults.snapshot(), self._named.snapshot(), self._seen_s, named_s)

    def restore(self, snapshot: CausesSnapshot, quality: StreamQuality) -> StreamQuality:
        """Go on from a snapshot; returns the quality with what is named as wrong in it."""
        self._faults.restore(snapshot.faults)
        self._named.restore(snapshot.named)
        self._seen_s = snapshot.seen_s
        self._named_s = -math.inf if snapshot.named_s is None else snapshot.named_s
        causes = (*self._named.faults, *quality.causes)
        return replace(quality, causes=causes, main_cause=self._named.main)

    def _catch_up(self, at_s: float) -> None:
        """Let the rules know of the frames up to a capture time; later ones are for a later score.

        Coded video comes in decoding order, but what is told of its pictures is told as they are shown.
        """
        due = (one for one in self._waiting if one.capture_time_s <= at_s)
        for one in sorted(due, key=lambda arrival: arrival.capture_time_s):
            self._faults.arrivals.frame(one.capture_time_s, one.frames, is_decodable=one.is_decodable)
        self._waiting = deque((one for one in self._waiting if one.capture_time_s > at_s), MAX_WAITING)

    def end(self) -> None:
        """Let all causes end with the stream."""
        self._on_changes(self._named.end())
