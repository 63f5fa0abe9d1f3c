"""What is wrong with one stream, from its faults and its picture's causes to what is named in its quality."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from facegauge_server.faults.stream_faults import StreamFaults
from facegauge_server.streams.named_causes import CauseChanges, NamedCauses
from facegauge_server.types import Cause, CauseKind, FrameResult, FrameScore, StreamQuality

__all__ = ["StreamCauses"]

SILENT_CHECKS = 2
"""Checks in a row that find no new frame: what came while the event loop was busy is read between them."""
MAX_WAITING = 64
"""Frames whose time is kept until one is scored that was captured later."""


class StreamCauses:
    """The causes of one stream. Tells a listener after every update what began, ended and lasted."""

    def __init__(self, on_changes: Callable[[CauseChanges], None]) -> None:
        self._faults = StreamFaults()
        self._named = NamedCauses()
        self._on_changes = on_changes
        self._silent_checks = 0
        self._seen_s = 0.0
        self._waiting_s: deque[float] = deque(maxlen=MAX_WAITING)
        """Capture times of frames that arrived after the one that was scored last."""

    @property
    def times_s(self) -> dict[CauseKind, float]:
        """Capture time for which each cause has been named so far."""
        return dict(self._named.times_s)

    @property
    def _kinds(self) -> list[CauseKind]:
        return [fault.kind for fault in self._faults.now]

    def arrived(self, capture_time_s: float) -> None:
        """Note a frame that arrived, be it scored later or not."""
        self._silent_checks = 0
        if math.isfinite(capture_time_s):
            if len(self._waiting_s) == MAX_WAITING:
                self._catch_up(self._waiting_s[0])
            self._waiting_s.append(capture_time_s)

    def scored(self, score: FrameScore, quality: StreamQuality) -> StreamQuality:
        """Take a frame's score; returns the quality with what is named as wrong."""
        self._faults.views.frame(score)
        if score.result is not FrameResult.ERROR:
            self._seen_s = score.capture_time_s
            self._catch_up(self._seen_s)
        return self.name(quality)

    def silent(self, silent_s: float, quality: StreamQuality) -> StreamQuality | None:
        """Note for how long no frame has come; returns the quality with what is named, where that changes."""
        self._catch_up(math.inf)
        limit_s, before = self._faults.arrivals.freeze_threshold_s, self._kinds
        is_silent = limit_s is not None and silent_s >= limit_s
        self._silent_checks = self._silent_checks + 1 if is_silent else 0
        if self._silent_checks < SILENT_CHECKS:
            return None
        self._faults.arrivals.silence(silent_s)
        named = self.name(quality, silent_s)
        return None if self._kinds == before else named

    def name(self, quality: StreamQuality, later_s: float = 0.0) -> StreamQuality:
        """Return a quality with what is named as wrong, `later_s` after the last frame that was seen."""
        causes = [cause for cause in quality.causes if isinstance(cause, Cause)]
        changes = self._named.update(self._faults.now, causes, quality.quality, self._seen_s + later_s)
        self._on_changes(changes)
        return replace(quality, causes=(*self._named.faults, *causes), main_cause=self._named.main)

    def _catch_up(self, at_s: float) -> None:
        """Let the rules know of the frames up to a capture time; later ones are for a later score."""
        for capture_time_s in self._waiting_s:
            if capture_time_s <= at_s:
                self._faults.arrivals.frame(capture_time_s)
        left = [capture_time_s for capture_time_s in self._waiting_s if capture_time_s > at_s]
        self._waiting_s = deque(left, MAX_WAITING)

    def end(self) -> None:
        """Let all causes end with the stream."""
        self._on_changes(self._named.end())
