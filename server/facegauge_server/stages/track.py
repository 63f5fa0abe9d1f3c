"""Follow the faces of one stream between detections.

Detection runs when the stream's schedule wants it (`schedule.py`); else the boxes stay. Detections are
joined to tracks by the overlap of their boxes (IoU), and each box goes through a 1-euro filter, which is calm
when a face rests and quick when it moves. A call may change its resolution at any time: tracks are scaled
with the frame and end only when its shape changes, as when a phone is turned.

Track ids count up within a stream and live as long as a track: nothing of a face is kept but its box.

Source of the filter: Casiez, Roussel, Vogel: 1 Euro Filter, CHI 2012.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from facegauge_server.stages.schedule import DetectionSchedule, Look
from facegauge_server.types import Box, FaceBox, FaceBoxes, Frame

__all__ = ["FaceTracker"]

MATCH_IOU = 0.3
"""Boxes that overlap less belong to different faces."""
MOVED_IOU = 0.7
"""A face whose box overlaps its last one less is moving: detect again on the next frame."""
COAST_S = 2.0
"""Capture time for which a face that the detector misses is scored at its last box."""
FORGET_S = 3.0
"""Capture time after which a face that comes back is a new track."""
SAME_SHAPE_TOLERANCE = 0.05
"""Frames whose ratios of width to height differ by a larger share do not show the same view."""


@dataclass(slots=True)
class _OneEuro:
    """Filters a box; sizes and speeds are relative to the box, so that near and far faces behave alike."""

    min_cutoff_hz: float = 1.0
    speed_weight: float = 4.0
    speed_cutoff_hz: float = 1.0
    _value: npt.NDArray[np.float64] | None = None
    _speed: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))

    def rescale(self, scale: npt.NDArray[np.float64]) -> None:
        """Follow a change of the frame's size; `scale` is (x, y, x, y)."""
        if self._value is not None:
            self._value *= scale
            self._speed *= scale

    def __call__(self, box: Box, elapsed_s: float) -> Box:
        value = np.array([box.x + box.width / 2, box.y + box.height / 2, box.width, box.height])
        if self._value is not None and elapsed_s > 0:
            speed = (value - self._value) / elapsed_s
            self._speed += _weight(self.speed_cutoff_hz, elapsed_s) * (speed - self._speed)
            relative_speed = float(np.abs(self._speed).max()) / max(box.short_side, 1.0)
            cutoff_hz = self.min_cutoff_hz + self.speed_weight * relative_speed
            value = self._value + _weight(cutoff_hz, elapsed_s) * (value - self._value)
        self._value = value
        center_x, center_y, width, height = value.tolist()
        return Box(center_x - width / 2, center_y - height / 2, width, height)


@dataclass(slots=True)
class _Track:
    track_id: int
    box: Box
    seen_s: float
    smooth: _OneEuro = field(default_factory=_OneEuro)


class FaceTracker:
    """The faces of one stream. Capture times must never decrease. `lock` guards one frame's turn."""

    def __init__(
        self, detect_interval_s: float = 0.5, max_faces: int = 8, steady_detect_interval_s: float = 0.0
    ) -> None:
        """Make a tracker.

        Args:
            detect_interval_s: capture time between two detections.
            max_faces: returned of a frame, the largest first.
            steady_detect_interval_s: capture time between them while the faces stay; the same if less.
        """
        self.lock = threading.Lock()
        self._schedule = DetectionSchedule(detect_interval_s, steady_detect_interval_s)
        self._max_faces = max_faces
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._detected_s: float | None = None
        self._frame_size: tuple[int, int] | None = None

    @property
    def known_boxes(self) -> tuple[Box, ...]:
        """Where faces were last seen, in pixels of the frame that `wanted_look` was asked about."""
        return () if self._schedule.is_cut else tuple(track.box for track in self._tracks)

    def wanted_look(self, frame: Frame) -> Look:
        """Say what the detector must see of this frame; call once a frame, before `update`."""
        self._bring_up_to(frame)
        look = self._schedule.wanted_look(frame)
        has_lost_one = any(track.seen_s != self._detected_s for track in self._tracks)
        return Look.WHOLE_FRAME if look is Look.KNOWN_FACES and has_lost_one else look

    def update(
        self, frame: Frame, detections: tuple[Box, ...] | None, look: Look = Look.WHOLE_FRAME
    ) -> FaceBoxes:
        """Return the frame's faces, largest first.

        Args:
            frame: the next one of the stream.
            detections: None when the detector did not run.
            look: what it looked at.
        """
        now_s = frame.capture_time_s
        self._bring_up_to(frame)
        if detections is None:
            # Nobody has looked since: what was in sight still is.
            current = [track for track in self._tracks if track.seen_s == self._detected_s]
        else:
            current, is_moving = self._associate(detections, now_s)
            self._detected_s = now_s
            self._schedule.looked(frame, look, [track.box for track in current], is_moving)
        coasting = [
            track for track in self._tracks if track not in current and now_s - track.seen_s <= COAST_S
        ]
        faces = [FaceBox(track.track_id, track.box) for track in (*current, *coasting)]
        faces.sort(key=lambda face: face.box.area, reverse=True)
        return FaceBoxes(frame, tuple(faces[: self._max_faces]))

    def _bring_up_to(self, frame: Frame) -> None:
        """Forget old tracks; carry the others over when a call changes its resolution."""
        now_s = frame.capture_time_s
        self._tracks = [track for track in self._tracks if now_s - track.seen_s <= FORGET_S]
        before, self._frame_size = self._frame_size, (frame.width, frame.height)
        if before is None or before == self._frame_size:
            return
        scale_x, scale_y = frame.width / before[0], frame.height / before[1]
        if abs(math.log(scale_x / scale_y)) > SAME_SHAPE_TOLERANCE:
            self._tracks = []
            self._detected_s = None
            self._schedule.forget()
            return
        self._schedule.rescale(scale_x, scale_y)
        for track in self._tracks:
            box = track.box
            track.box = Box(box.x * scale_x, box.y * scale_y, box.width * scale_x, box.height * scale_y)
            track.smooth.rescale(np.array([scale_x, scale_y, scale_x, scale_y]))

    def _associate(self, detections: tuple[Box, ...], now_s: float) -> tuple[list[_Track], bool]:
        """Join detections to tracks, best overlap first; what is left over begins new tracks.

        Returns:
            The tracks seen, and whether one of them has moved far.
        """
        pairs = sorted(
            (
                (track.box.iou(box), t, d)
                for t, track in enumerate(self._tracks)
                for d, box in enumerate(detections)
            ),
            reverse=True,
        )
        track_of: dict[int, int] = {}
        is_moving = False
        for iou, t, d in pairs:
            if iou < MATCH_IOU or d in track_of or t in track_of.values():
                continue
            track_of[d] = t
            is_moving |= iou < MOVED_IOU
        seen = []
        for d, box in enumerate(detections):
            if d in track_of:
                track = self._tracks[track_of[d]]
                track.box = track.smooth(box, now_s - track.seen_s)
                track.seen_s = now_s
            else:
                self._last_id += 1
                track = _Track(self._last_id, box, now_s)
                track.box = track.smooth(box, 0.0)
            seen.append(track)
        missed = [] if self._schedule.is_cut else [track for track in self._tracks if track not in seen]
        self._tracks = [*seen, *missed]
        return seen, is_moving


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Weight of a new sample in a first-order low-pass filter."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * elapsed_s))
