"""locate finds the faces that are there, with MediaPipe itself."""

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

FACE = Box(177, 66, 95, 95)
"""Of the portrait."""


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    with FaceDetector() as opened:
        yield opened


def in_a_wide_frame(picture: Pixels, left: int, top: int, lines: int) -> Pixels:
    """The portrait, reduced to some lines, in a grey 720p frame."""
    frame = np.full((720, 1280, 3), 120, np.uint8)
    frame[top : top + lines, left : left + lines] = cv2.resize(
        picture, (lines, lines), interpolation=cv2.INTER_AREA
    )
    return frame


def test_the_portrait_has_one_face(astronaut: npt.NDArray[np.uint8], detector: FaceDetector) -> None:
    """One box, from brow to chin, and the same one again."""
    (box,) = detector.detect(astronaut)
    assert box.iou(FACE) > 0.7
    assert detector.detect(astronaut) == (box,)


@pytest.mark.parametrize(("left", "top"), [(20, 20), (400, 100), (740, 200)])
def test_a_face_is_found_wherever_it_is(
    astronaut: npt.NDArray[np.uint8], detector: FaceDetector, left: int, top: int
) -> None:
    """A face of 95 px in a 720p frame is found at its place, at the edges too."""
    boxes = detector.detect(in_a_wide_frame(astronaut, left, top, 512))
    assert any(box.iou(Box(FACE.x + left, FACE.y + top, 95, 95)) > 0.5 for box in boxes)


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (2, 3, 3), (17, 640, 3), (720, 1280, 3)]
)
def test_where_nobody_is_nobody_is_found(detector: FaceDetector, shape: tuple[int, int, int]) -> None:
    """Flat and noisy pictures of any shape have no face, and tiny ones do no harm."""
    random = np.random.default_rng(2)
    assert detector.detect(np.full(shape, 127, np.uint8)) == ()
    assert detector.detect(random.integers(0, 255, shape, dtype=np.uint8)) == ()


def test_pixels_in_any_memory_order(astronaut: npt.NDArray[np.uint8], detector: FaceDetector) -> None:
    """Views and read-only pixels are pictures; the detector leaves them as they are."""
    mirrored = astronaut[:, ::-1]
    mirrored.flags.writeable = False
    (box,) = detector.detect(mirrored)
    assert box.iou(Box(512 - FACE.x - 95, FACE.y, 95, 95)) > 0.5


def test_a_stream_keeps_its_face(astronaut: npt.NDArray[np.uint8], detector: FaceDetector) -> None:
    """Frame by frame the same face, detected or not."""
    tracker = FaceTracker()
    found = [tracker.step(Frame(index, index / 10, astronaut), detector) for index in range(12)]
    assert {face.track_id for boxes in found for face in boxes.faces} == {1}
    assert all(len(boxes.faces) == 1 for boxes in found)
    assert all(boxes.frame.pixels is astronaut for boxes in found)


def read_frames(path: Path, step_s: float) -> Iterator[tuple[float, Pixels]]:
    """Decode a clip's frames, about `step_s` apart."""
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(1, round(fps * step_s))
    index = 0
    while capture.grab():
        if index % step == 0:
            _, frame = capture.retrieve()
            yield index / fps, np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        index += 1
    capture.release()


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_faces_of_every_clip_are_found(shared_dir: Path, detector: FaceDetector) -> None:
    """Of each clip at least 95% of the frames get a face: at native size and reduced to 180 lines."""
    shares: dict[str, tuple[float, float]] = {}
    for path in sorted((shared_dir / "videos").glob("*.m*")):
        trackers = FaceTracker(), FaceTracker()
        found: tuple[list[bool], list[bool]] = [], []
        for time_s, pixels in read_frames(path, 0.4):
            if time_s > 20:
                break
            scale = 180 / min(pixels.shape[:2])
            small = np.asarray(
                cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
            for tracker, faces, picture in zip(trackers, found, (pixels, small), strict=True):
                faces.append(bool(tracker.step(Frame(0, time_s, picture), detector).faces))
        shares[path.name] = (float(np.mean(found[0])), float(np.mean(found[1])))
    assert len(shares) >= 25
    assert {name: share for name, share in shares.items() if min(share) < 0.95} == {}


def test_a_known_face_is_followed_by_one_look(
    astronaut: npt.NDArray[np.uint8], detector: FaceDetector
) -> None:
    """Around where it was a moment ago the face is found again, as by looking everywhere."""
    frame = in_a_wide_frame(astronaut, 400, 100, 512)
    (face,) = detector.detect(frame)
    followed = detector.follow(frame, (Box(face.x - 0.3 * face.width, face.y, face.width, face.height),))
    assert followed is not None
    assert len(followed) == 1
    assert followed[0].iou(face) > 0.8


def test_who_cannot_be_followed_is_looked_for(
    astronaut: npt.NDArray[np.uint8], detector: FaceDetector
) -> None:
    """One face gone, three of them, or one that fills the picture: the whole frame must be looked at."""
    frame = in_a_wide_frame(astronaut, 400, 100, 512)
    (face,) = detector.detect(frame)
    assert detector.follow(frame, (face, Box(20, 600, 100, 100))) is None
    assert detector.follow(frame, (face, face, face)) is None
    portrait = np.ascontiguousarray(astronaut[:250, 100:350])
    assert detector.follow(portrait, detector.detect(portrait)) is None
