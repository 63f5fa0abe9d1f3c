"""State of one stream's tracker between two frames: one small value that can be pickled.

A worker process gets it with the frame and gives the next one back, so no process keeps a stream.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from facegauge_server.stages.one_euro import OneEuro
from facegauge_server.stages.schedule import DetectionSchedule, ScheduleState
from facegauge_server.types import Box, Frame

__all__ = ["FORGET_S", "Track", "TrackerSettings", "TrackerState"]

FORGET_S = 3.0
"""Capture time after which a face that comes back is a new track."""
SAME_SHAPE_TOLERANCE = 0.05
"""Frames whose ratios of width to height differ by a larger share do not show the same view."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Settings that one stream is tracked with."""

    schedule: DetectionSchedule
    max_faces: int
    """Faces returned of a frame, the largest first."""


@dataclass(frozen=True, slots=True)
class Track:
    """One face. Nothing of it is kept but where it is."""

    track_id: int
    seen_s: float
    """Capture time of its last detection."""
    filter: OneEuro

    @property
    def box(self) -> Box:
        """Filtered position of the face, in pixels of the last frame."""
        return self.filter.box


@dataclass(frozen=True, slots=True, eq=False)
class TrackerState:
    """One stream's tracks and detection times; a new stream starts with `TrackerState()`."""

    tracks: tuple[Track, ...] = ()
    last_id: int = 0
    """Id of the newest track: ids count up within a stream."""
    detected_s: float | None = None
    """Capture time of the last detection."""
    faceless_since_s: float | None = None
    """Capture time of the first detection since which none has found a face; None where the last one has."""
    frame_size: tuple[int, int] | None = None
    """(width, height) of the last frame, pixels."""
    schedule: ScheduleState = field(default_factory=ScheduleState)

    def brought_up_to(self, frame: Frame) -> TrackerState:
        """Return the state without tracks too old for this frame, and scaled to the frame's size."""
        size = (frame.width, frame.height)
        tracks = tuple(track for track in self.tracks if frame.capture_time_s - track.seen_s <= FORGET_S)
        state = replace(self, tracks=tracks, frame_size=size)
        if self.frame_size is None or self.frame_size == size:
            return state
        scale_x, scale_y = size[0] / self.frame_size[0], size[1] / self.frame_size[1]
        if abs(math.log(scale_x / scale_y)) > SAME_SHAPE_TOLERANCE:
            schedule = state.schedule.forgetting_faces()
            return replace(state, tracks=(), detected_s=None, schedule=schedule)
        scaled = (replace(track, filter=track.filter.rescaled(scale_x, scale_y)) for track in tracks)
        return replace(state, tracks=tuple(scaled), schedule=state.schedule.rescaled(scale_x, scale_y))
