"""Follow the faces of one stream between detections.

Detection runs at an interval of capture time, and again on the next frame after a scene cut or after a
detection that found a face well away from where it was expected. In between the boxes stay. Detections are
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
SCENE_CUT_CONTRAST = 0.15
"""Mean change of brightness, as a share of full scale, between two frames that only a cut makes."""
THUMBNAIL_SAMPLES = 24
"""Pixels sampled along each side of a frame to see a cut."""

Thumbnail = npt.NDArray[np.int16]


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

    def __init__(self, detect_interval_s: float = 0.5, max_faces: int = 8) -> None:
        self.lock = threading.Lock()
        self._detect_interval_s = detect_interval_s
        self._max_faces = max_faces
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._detected_s: float | None = None
        self._is_moving = False
        self._is_cut = False
        self._thumbnail: Thumbnail | None = None
        self._frame_size: tuple[int, int] | None = None

    @property
    def known_boxes(self) -> tuple[Box, ...]:
        """Where faces were last seen, in pixels of the frame that `wants_detection` was asked about."""
        return () if self._is_cut else tuple(track.box for track in self._tracks)

    def wants_detection(self, frame: Frame) -> bool:
        """Say whether the detector must see this frame; call once a frame, before `update`."""
        self._bring_up_to(frame)
        thumbnail = _thumbnail(frame)
        before, self._thumbnail = self._thumbnail, thumbnail
        self._is_cut = before is not None and (
            float(np.abs(thumbnail - before).mean()) > SCENE_CUT_CONTRAST * 255
        )
        return (
            self._detected_s is None
            or self._is_moving
            or self._is_cut
            or frame.capture_time_s - self._detected_s >= self._detect_interval_s
        )

    def update(self, frame: Frame, detections: tuple[Box, ...] | None) -> FaceBoxes:
        """Return the frame's faces, largest first; `detections` is None when the detector did not run."""
        now_s = frame.capture_time_s
        self._bring_up_to(frame)
        if detections is None:
            # Nobody has looked since: what was in sight still is.
            current = [track for track in self._tracks if track.seen_s == self._detected_s]
        else:
            current = self._associate(detections, now_s)
            self._detected_s = now_s
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
            return
        for track in self._tracks:
            box = track.box
            track.box = Box(box.x * scale_x, box.y * scale_y, box.width * scale_x, box.height * scale_y)
            track.smooth.rescale(np.array([scale_x, scale_y, scale_x, scale_y]))

    def _associate(self, detections: tuple[Box, ...], now_s: float) -> list[_Track]:
        """Join detections to tracks, best overlap first; what is left over begins new tracks."""
        pairs = sorted(
            (
                (track.box.iou(box), t, d)
                for t, track in enumerate(self._tracks)
                for d, box in enumerate(detections)
            ),
            reverse=True,
        )
        track_of: dict[int, int] = {}
        self._is_moving = False
        for iou, t, d in pairs:
            if iou < MATCH_IOU or d in track_of or t in track_of.values():
                continue
            track_of[d] = t
            self._is_moving |= iou < MOVED_IOU
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
        missed = [] if self._is_cut else [track for track in self._tracks if track not in seen]
        self._tracks = [*seen, *missed]
        return seen


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Weight of a new sample in a first-order low-pass filter."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * elapsed_s))


def _thumbnail(frame: Frame) -> Thumbnail:
    rows = np.linspace(0, frame.height - 1, THUMBNAIL_SAMPLES).astype(np.intp)
    columns = np.linspace(0, frame.width - 1, THUMBNAIL_SAMPLES).astype(np.intp)
    green = frame.pixels[rows[:, None], columns, 1]
    return np.asarray(green, dtype=np.int16)
