"""A stream's tracker, and the picture to compare the next one with, as bytes between two frames.

Different workers may take them. What they hold without a picture is known to the server too, as a snapshot.
"""

from __future__ import annotations

import pickle
from dataclasses import replace

from facegauge_server.snapshots import TrackerSnapshot, TrackSnapshot
from facegauge_server.stages.one_euro import OneEuro
from facegauge_server.stages.track import COAST_S, FaceTracker
from facegauge_server.stages.tracker_state import Track, TrackerState
from facegauge_server.stages.view import StillState

__all__ = ["TrackerCell", "pack", "snapshot_of", "unpack"]


class TrackerCell:
    """A stream's tracker after its last frame. Belongs to the server's event loop."""

    def __init__(
        self, detect_interval_s: float = 0.5, max_faces: int = 8, steady_detect_interval_s: float = 0.0
    ) -> None:
        """Begin a stream: see `FaceTracker`."""
        self._new = FaceTracker(detect_interval_s, max_faces, steady_detect_interval_s)
        self.state = pack(self._new, StillState())
        self.snapshot = TrackerSnapshot()
        """What the state holds without its pictures."""

    def replace_state(self, before: bytes, after: bytes, snapshot: TrackerSnapshot | None = None) -> None:
        """Continue with the state that a worker made of `before`, and with what it says that is.

        Raises RuntimeError where that is not the present state: two frames of a stream were under way at
        once, which their sender must not let happen.
        """
        if self.state is not before:
            raise RuntimeError("two frames of one stream were tracked at the same time")
        self.state = after
        if snapshot is not None:
            self.snapshot = snapshot

    def restore(self, snapshot: TrackerSnapshot) -> None:
        """Go on from a snapshot, which has no pictures: the next frame is searched as a whole."""
        tracker = FaceTracker()
        tracker.settings = self._new.settings
        tracker.state = TrackerState(
            tracks=tuple(
                Track(track.track_id, track.seen_s, OneEuro(track.value, track.speed))
                for track in snapshot.tracks
            ),
            last_id=snapshot.last_id,
            detected_s=snapshot.detected_s,
            faceless_since_s=snapshot.faceless_since_s,
            frame_size=snapshot.frame_size,
        )
        still = StillState(None, snapshot.still_since_s, snapshot.still_pictures)
        self.state, self.snapshot = pack(tracker, still), snapshot

    def bridge(self, capture_time_s: float) -> None:
        """Keep the faces that were in sight for one more frame, which is captured at this time."""
        snapshot = self.snapshot
        if snapshot.detected_s is None:
            return
        detected_s = max(snapshot.detected_s, capture_time_s - COAST_S)
        tracks = tuple(
            replace(track, seen_s=detected_s) if track.seen_s == snapshot.detected_s else track
            for track in snapshot.tracks
        )
        self.restore(replace(snapshot, detected_s=detected_s, tracks=tracks))


def snapshot_of(tracker: FaceTracker, still: StillState) -> TrackerSnapshot:
    """Return what is known of a stream, without pictures."""
    state = tracker.state
    return TrackerSnapshot(
        tracks=tuple(
            TrackSnapshot(track.track_id, track.seen_s, track.filter.value, track.filter.speed)
            for track in state.tracks
        ),
        last_id=state.last_id,
        detected_s=state.detected_s,
        faceless_since_s=state.faceless_since_s,
        frame_size=state.frame_size,
        still_since_s=still.since_s,
        still_pictures=still.pictures,
    )


def pack(tracker: FaceTracker, still: StillState) -> bytes:
    """Return what is known of a stream as bytes."""
    return pickle.dumps((tracker.settings, tracker.state, still), pickle.HIGHEST_PROTOCOL)


def unpack(state: bytes) -> tuple[FaceTracker, StillState]:
    """Return what `pack` was given."""
    tracker = FaceTracker()
    settings, tracker_state, still = pickle.loads(state)  # noqa: S301 - from the server or one of its workers
    tracker.settings, tracker.state = settings, tracker_state
    return tracker, still
