"""A call that changes its resolution shows the same people."""

import numpy as np

from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import Box, Frame


def test_a_change_of_resolution_keeps_the_tracks() -> None:
    """From 720 lines to 180 and back a face keeps its id, found again by the detector or not yet."""
    tracker = FaceTracker(detect_interval_s=0.5)
    big = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    small = np.ascontiguousarray(big[::4, ::4])
    face = Box(560, 200, 170, 170)
    tracker.wanted_look(Frame(0, 0.0, big))
    (first,) = tracker.update(Frame(0, 0.0, big), (face,)).faces
    tracker.wanted_look(Frame(1, 0.2, small))
    (carried,) = tracker.update(Frame(1, 0.2, small), None).faces
    assert (carried.track_id, carried.box) == (first.track_id, Box(140, 50, 42.5, 42.5))
    tracker.wanted_look(Frame(2, 0.6, small))
    (found,) = tracker.update(Frame(2, 0.6, small), (Box(141, 50, 43, 43),)).faces
    assert found.track_id == first.track_id
    (back,) = tracker.update(Frame(3, 0.8, big), (face,)).faces
    assert back.track_id == first.track_id
