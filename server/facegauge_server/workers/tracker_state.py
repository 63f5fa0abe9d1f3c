"""A stream's tracker, and the picture to compare the next one with, as bytes between two frames.

Different workers may take them.
"""

from __future__ import annotations

import pickle

from facegauge_server.stages.track import FaceTracker
from facegauge_server.stages.view import StillState

__all__ = ["TrackerCell", "pack", "unpack"]


class TrackerCell:
    """A stream's tracker after its last frame. Belongs to the server's event loop."""

    def __init__(
        self, detect_interval_s: float = 0.5, max_faces: int = 8, steady_detect_interval_s: float = 0.0
    ) -> None:
        """Begin a stream: see `FaceTracker`."""
        tracker = FaceTracker(detect_interval_s, max_faces, steady_detect_interval_s)
        self.state = pack(tracker, StillState())

    def replace_state(self, before: bytes, after: bytes) -> None:
        """Continue with the state that a worker made of `before`.

        Raises RuntimeError where that is not the present state: two frames of a stream were under way at
        once, which their sender must not let happen.
        """
        if self.state is not before:
            raise RuntimeError("two frames of one stream were tracked at the same time")
        self.state = after


def pack(tracker: FaceTracker, still: StillState) -> bytes:
    """Return what is known of a stream as bytes."""
    return pickle.dumps((tracker.settings, tracker.state, still), pickle.HIGHEST_PROTOCOL)


def unpack(state: bytes) -> tuple[FaceTracker, StillState]:
    """Return what `pack` was given."""
    tracker = FaceTracker()
    settings, tracker_state, still = pickle.loads(state)  # noqa: S301 - from the server or one of its workers
    tracker.settings, tracker.state = settings, tracker_state
    return tracker, still
