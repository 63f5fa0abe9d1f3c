"""A stream's tracking state is a small value: it travels between processes and loses nothing."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.track import FaceTracker, advance
from facegauge_server.types import Box, Frame

from .test_track import GREY, Scripted


def test_a_tracker_that_travels_finds_the_same_boxes(astronaut: npt.NDArray[np.uint8]) -> None:
    """A face that walks, a cut and a new resolution: pickled between frames, the boxes are the same."""
    stays, travels = FaceTracker(), FaceTracker()
    canvas = np.full((540, 960, 3), 110, np.uint8)
    with FaceDetector() as detector:
        seen = []
        for number in range(14):
            pixels = canvas.copy()
            left = 40 + 12 * number if number < 8 else 420
            pixels[14:526, left : left + 512] = astronaut
            if number >= 11:
                pixels = np.asarray(cv2.resize(pixels, (480, 270), interpolation=cv2.INTER_AREA), np.uint8)
            frame = Frame(number, number * 0.3, pixels)
            expected = stays.step(frame, detector).faces
            travels = pickle.loads(pickle.dumps(travels))  # noqa: S301 - our own bytes
            assert travels.step(frame, detector).faces == expected
            seen.append(len(expected))
    assert min(seen) >= 1


def test_the_state_is_a_few_kilobytes_whatever_the_crowd() -> None:
    """Hundreds of faces, and more at each frame, leave a state of at most 8 kB."""
    tracker = FaceTracker(detect_interval_s=0)
    for number in range(20):
        crowd = [Box(40.0 * i, 50.0 * number, 30, 30) for i in range(300)]
        faces = tracker.step(Frame(number, number / 10, GREY), Scripted(*crowd)).faces
        assert len(faces) == 8
    assert len(pickle.dumps(tracker.state)) < 8_000


def test_the_state_before_is_left_as_it_was() -> None:
    """A frame that is tracked again from the same state gives the same again."""
    tracker = FaceTracker(detect_interval_s=0)
    tracker.step(Frame(0, 0.0, GREY), Scripted(Box(500, 200, 200, 200)))
    before = tracker.state
    stored = pickle.dumps(before)
    frame, detector = Frame(1, 0.2, GREY), Scripted(Box(510, 200, 200, 200), Box(10, 10, 60, 60))
    first, second = (advance(before, tracker.settings, frame, detector) for _ in range(2))
    assert first[1].faces == second[1].faces
    assert pickle.dumps(first[0]) == pickle.dumps(second[0])
    assert pickle.dumps(before) == stored


def test_two_frames_of_a_stream_at_once_are_noticed() -> None:
    """A state made of an older one than the present is refused, not silently taken."""
    tracker = FaceTracker()
    before = tracker.state
    tracker.step(Frame(0, 0.0, GREY), Scripted())
    late, _ = advance(before, tracker.settings, Frame(1, 0.1, GREY), Scripted())
    with pytest.raises(RuntimeError, match="at the same time"):
        tracker.replace_state(before, late)
