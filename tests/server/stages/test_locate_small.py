"""Faces that are small in their frame: held while they are known, and not mistaken for prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import Box, Frame, Pixels

PORTRAIT_FACE = Box(177, 82, 95, 95)


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    with FaceDetector() as opened:
        yield opened


def standing_back(portrait: Pixels, face_px: int) -> tuple[Pixels, Box]:
    """A 720p frame with the portrait so small that its face has `face_px`, and where that face is."""
    scale = face_px / PORTRAIT_FACE.width
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full((720, 1280, 3), 110, np.uint8)
    left, top = 640 - round(224 * scale), 240 - round(130 * scale)
    lines = min(small.shape[0], 720 - top)
    frame[top : top + lines, left : left + small.shape[1]] = small[:lines]
    return frame, Box(left + 177 * scale, top + 82 * scale, face_px, face_px)


def test_a_known_face_is_held_down_to_the_smallest_that_is_scored(
    astronaut: npt.NDArray[np.uint8], detector: FaceDetector
) -> None:
    """Someone who walks away from the camera, from 160 px to 34 px in 720 lines, is the same one face."""
    tracker = FaceTracker()
    for index, face_px in enumerate(range(160, 33, -6)):
        frame, truth = standing_back(astronaut, face_px)
        (face,) = tracker.step(Frame(index, index * 0.5, frame), detector).faces
        assert face.track_id == 1
        assert face.box.iou(truth) > 0.5, face_px


def test_nobody_is_held_where_nobody_is(detector: FaceDetector) -> None:
    """A face that has left is not seen in what is behind it."""
    wall = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (720, 1280, 3), np.uint8), (0, 0), 5)
    pixels = np.asarray(wall, dtype=np.uint8)
    assert detector.detect(pixels, known=(Box(600, 300, 80, 80), Box(-30, -30, 60, 60))) == ()


@pytest.mark.parametrize("name", ["clock", "coins", "text", "hubble_deep_field", "cell", "rocket", "coffee"])
def test_things_that_look_a_little_like_faces(name: str, detector: FaceDetector) -> None:
    """Clocks, galaxies and cells are no faces, and are not searched into some."""
    from skimage import data

    picture = np.asarray(getattr(data, name)())
    if picture.ndim == 2:
        picture = np.stack([picture] * 3, axis=-1)
    wide = cv2.copyMakeBorder(cv2.resize(picture, (720, 720)), 0, 0, 280, 280, cv2.BORDER_REFLECT)
    assert detector.detect(picture) == ()
    assert detector.detect(np.asarray(wide, dtype=np.uint8)) == ()


def test_a_turned_phone_starts_anew(astronaut: npt.NDArray[np.uint8], detector: FaceDetector) -> None:
    """A frame of another shape is looked at at once, and no box of the old shape is used in it."""
    wide, _ = standing_back(astronaut, 160)
    tall = np.ascontiguousarray(wide[:, 400:880])
    tracker = FaceTracker()
    (before,) = tracker.step(Frame(0, 0.0, wide), detector).faces
    (after,) = tracker.step(Frame(1, 0.1, tall), detector).faces
    assert after.track_id != before.track_id
    assert after.box.iou(Box(before.box.x - 400, before.box.y, before.box.width, before.box.height)) > 0.5


@pytest.mark.shared
@pytest.mark.parametrize("name", ["sample-videos-student.mkv", "sample-videos-again.mkv"])
def test_a_print_on_a_shirt_is_no_face(shared_dir: Path, name: str, detector: FaceDetector) -> None:
    """The skull on a shirt is larger than the face above it and must not stand for the stream."""
    capture = cv2.VideoCapture(str(shared_dir / "videos" / name))
    tracker = FaceTracker()
    count = 0
    while capture.grab():
        if count % 5 == 0:
            pixels = np.asarray(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB), dtype=np.uint8)
            (face,) = tracker.step(Frame(count, count / 12, pixels), detector).faces
            assert face.box.y + face.box.height < 200, "the skull lies below"
        count += 1
    capture.release()
    assert count > 30
