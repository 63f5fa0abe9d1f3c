"""Frame -> FaceBoxes: follow the faces of one stream, running the detector only when it must.

Detection runs when the stream's schedule wants it (`schedule.py`); otherwise the boxes stay. Detections are
joined to tracks by the overlap of their boxes (IoU), and each box goes through a 1-euro filter. A call may
change its resolution at any time: tracks are scaled with the frame and end only when its shape changes, as
when a phone is turned.

`advance` is a pure function of the state and the frame: whoever calls it owns the state, so it needs no lock.
"""

from __future__ import annotations

from dataclasses import replace

from facegauge_server.stages.detection import DetectionScope, Detector
from facegauge_server.stages.one_euro import OneEuro
from facegauge_server.stages.schedule import DetectionSchedule
from facegauge_server.stages.tracker_state import Track, TrackerSettings, TrackerState
from facegauge_server.types import Box, FaceBox, FaceBoxes, Frame

__all__ = ["COAST_S", "FaceTracker", "advance"]

MATCH_IOU = 0.3
"""Boxes that overlap less belong to different faces."""
MOVED_IOU = 0.7
"""A face whose box overlaps its last one less is moving: detect again on the next frame."""
COAST_S = 2.0
"""Capture time for which a face that the detector misses is scored at its last box."""
MAX_TRACKS = 32
"""Faces followed at once, unless more are to be scored: bounds the state and the work of a crowd."""


class FaceTracker:
    """The faces of one stream: its settings and its present state. Capture times must never decrease."""

    def __init__(
        self, detect_interval_s: float = 0.5, max_faces: int = 8, steady_detect_interval_s: float = 0.0
    ) -> None:
        """Make a tracker.

        Args:
            detect_interval_s: capture time between two detections.
            max_faces: returned of a frame, the largest first.
            steady_detect_interval_s: capture time between them while the faces stay; the same if less.
        """
        self.settings = TrackerSettings(
            DetectionSchedule(detect_interval_s, steady_detect_interval_s), max_faces
        )
        self.state = TrackerState()

    def step(self, frame: Frame, detector: Detector) -> FaceBoxes:
        """Return the faces of the stream's next frame, the largest first."""
        before = self.state
        after, boxes = advance(before, self.settings, frame, detector)
        self.replace_state(before, after)
        return boxes

    def replace_state(self, before: TrackerState, after: TrackerState) -> None:
        """Continue with the state that `advance` made of `before`.

        Raises RuntimeError where that is not the present state: two frames of a stream were under way at
        once, which their sender must not let happen.
        """
        if self.state is not before:
            raise RuntimeError("two frames of one stream were tracked at the same time")
        self.state = after


def advance(
    state: TrackerState, settings: TrackerSettings, frame: Frame, detector: Detector
) -> tuple[TrackerState, FaceBoxes]:
    """Find the faces of a stream's next frame.

    Args:
        state: after the frame before; it is left as it is.
        settings: of the stream.
        frame: whose capture time is not before the last one's.
        detector: is run on the frame where the schedule wants it.

    Returns:
        The state after this frame, and its faces, the largest first.
    """
    state = state.brought_up_to(frame)
    plan = settings.schedule.plan(state.schedule, frame)
    known = () if plan.is_cut else tuple(track.box for track in state.tracks)
    scope, detections = _detect(state, plan.scope, known, frame, detector)
    if detections is None:
        # No detection since: what was in sight still is.
        current = tuple(track for track in state.tracks if track.seen_s == state.detected_s)
        state = replace(state, schedule=plan.state)
    else:
        max_tracks = max(MAX_TRACKS, settings.max_faces)
        state, current, is_moving = _associate(state, detections[:max_tracks], frame.capture_time_s)
        state = replace(state, faceless_since_s=_faceless_since_s(state, frame, detections))
        missed = () if plan.is_cut else tuple(track for track in state.tracks if track not in current)
        boxes = [track.box for track in current]
        schedule = settings.schedule.after_detection(plan, frame, scope, boxes, is_moving)
        state = replace(state, tracks=(*current, *missed)[:max_tracks], schedule=schedule)
    coasting = (
        track
        for track in state.tracks
        if track not in current and frame.capture_time_s - track.seen_s <= COAST_S
    )
    faces = [FaceBox(track.track_id, track.box) for track in (*current, *coasting)]
    faces.sort(key=lambda face: face.box.area, reverse=True)
    since_s = state.faceless_since_s
    faceless_s = None if since_s is None else frame.capture_time_s - since_s
    largest = max((track.box for track in current), key=lambda box: box.area, default=None)
    return state, FaceBoxes(frame, tuple(faces[: settings.max_faces]), faceless_s, largest)


def _faceless_since_s(state: TrackerState, frame: Frame, detections: tuple[Box, ...]) -> float | None:
    if detections:
        return None
    return frame.capture_time_s if state.faceless_since_s is None else state.faceless_since_s


def _detect(
    state: TrackerState, scope: DetectionScope, known: tuple[Box, ...], frame: Frame, detector: Detector
) -> tuple[DetectionScope, tuple[Box, ...] | None]:
    """Run the detector as planned; returns what it searched, and the boxes, None where it did not run."""
    if scope is DetectionScope.NOTHING:
        return scope, None
    has_lost_one = any(track.seen_s != state.detected_s for track in state.tracks)
    if scope is DetectionScope.KNOWN_FACES and not has_lost_one:
        followed = detector.follow(frame.pixels, known)
        if followed is not None:
            return scope, followed
    return DetectionScope.WHOLE_FRAME, detector.detect(frame.pixels, known)


def _associate(
    state: TrackerState, detections: tuple[Box, ...], now_s: float
) -> tuple[TrackerState, tuple[Track, ...], bool]:
    """Join detections to tracks, best overlap first; what is left over begins new tracks.

    Returns:
        The state with the updated tracks in their old order, the tracks seen in the detections' order, and
        whether one of them has moved far.
    """
    pairs = sorted(
        (
            (track.box.iou(box), t, d)
            for t, track in enumerate(state.tracks)
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
    tracks = list(state.tracks)
    last_id = state.last_id
    seen = []
    for d, box in enumerate(detections):
        if d in track_of:
            before = tracks[track_of[d]]
            track = Track(before.track_id, now_s, before.filter.after(box, now_s - before.seen_s))
            tracks[track_of[d]] = track
        else:
            last_id += 1
            track = Track(last_id, now_s, OneEuro.starting_at(box))
        seen.append(track)
    return (
        replace(state, tracks=tuple(tracks), last_id=last_id, detected_s=now_s),
        tuple(seen),
        is_moving,
    )
