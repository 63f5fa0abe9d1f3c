"""A call that changes its resolution shows the same people."""

import numpy as np

from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import Box, Frame

from .test_track import Scripted


def test_a_change_of_resolution_keeps_the_tracks() -> None:
    """From 720 lines to 180 and back a face keeps its id, found again by the detector or not yet."""
    tracker = FaceTracker(detect_interval_s=0.5)
    shades = np.linspace(0, 255, 1280).astype(np.uint8)
    big = np.broadcast_to(shades[None, :, None], (720, 1280, 3)).copy()
    small = np.ascontiguousarray(big[::4, ::4])
    face = Box(560, 200, 170, 170)
    (first,) = tracker.step(Frame(0, 0.0, big), Scripted(face)).faces
    (carried,) = tracker.step(Frame(1, 0.2, small), Scripted()).faces
    assert (carried.track_id, carried.box) == (first.track_id, Box(140, 50, 42.5, 42.5))
    (found,) = tracker.step(Frame(2, 1.2, small), Scripted(Box(141, 50, 43, 43))).faces
    assert found.track_id == first.track_id
    (back,) = tracker.step(Frame(3, 1.4, big), Scripted(face)).faces
    assert back.track_id == first.track_id
