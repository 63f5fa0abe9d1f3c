"""MediaPipe's models, run by OpenVINO, find faces where they are."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import mediapipe
import numpy as np
import numpy.typing as npt
import pytest
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import FaceDetector, FaceDetectorOptions

from facegauge_server.stages.blaze_face import FULL_RANGE, SHORT_RANGE, BlazeFace, _decode, _merge
from facegauge_server.types import Box, Pixels

FACE = Box(177, 66, 95, 95)
"""Of the portrait."""


@pytest.fixture(scope="module", params=[SHORT_RANGE, FULL_RANGE], ids=["short range", "full range"])
def model(request: pytest.FixtureRequest) -> Iterator[BlazeFace]:
    opened = BlazeFace(request.param)
    yield opened
    opened.close()


@pytest.fixture
def full_range() -> Iterator[BlazeFace]:
    opened = BlazeFace(FULL_RANGE)
    yield opened
    opened.close()


@pytest.mark.parametrize(("width", "height"), [(512, 512), (1280, 720), (720, 1280), (1500, 517)])
def test_a_face_is_found_in_frames_of_any_shape(
    astronaut: Pixels, full_range: BlazeFace, width: int, height: int
) -> None:
    """The box lies over the face, in the frame's pixels, wherever the black bars of the model's input are."""
    frame = np.full((height, width, 3), 120, np.uint8)
    left, top = (width - 512) // 2, (height - 512) // 2
    frame[top : top + 512, left : left + 512] = astronaut
    (detection,) = full_range.detect(frame)
    assert detection.box.iou(Box(FACE.x + left, FACE.y + top, FACE.width, FACE.height)) > 0.6
    assert 0.7 < detection.confidence <= 1


def test_a_small_face_in_a_wide_frame(astronaut: Pixels, full_range: BlazeFace) -> None:
    """A face of 74 px in 720 lines is found."""
    frame = np.full((720, 1280, 3), 120, np.uint8)
    frame[200:600, 500:900] = cv2.resize(astronaut, (400, 400), interpolation=cv2.INTER_AREA)
    (detection,) = full_range.detect(frame)
    assert detection.box.iou(Box(500 + 138, 200 + 52, 74, 74)) > 0.5


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (900, 1, 3), (33, 640, 3), (720, 1280, 3)])
def test_nobody_is_found_where_nobody_is(model: BlazeFace, shape: tuple[int, int, int]) -> None:
    """Flat and noisy pictures of any shape have no face."""
    assert model.detect(np.full(shape, 127, np.uint8)) == []
    assert model.detect(np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)) == []


@pytest.mark.parametrize("side", [200, 300, 512])
def test_the_same_face_as_from_mediapipes_own_task(astronaut: Pixels, side: int) -> None:
    """The short-range model finds the box that the task finds, a pixel or two apart, and is as sure."""
    part = np.ascontiguousarray(astronaut[40 : 40 + side, 100 : 100 + side])
    options = FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(SHORT_RANGE.path)))
    with FaceDetector.create_from_options(options) as task:
        (expected,) = task.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, part)).detections
    model = BlazeFace(SHORT_RANGE)
    (detection,) = model.detect(part)
    model.close()
    at = expected.bounding_box
    assert detection.box.iou(Box(at.origin_x, at.origin_y, at.width, at.height)) > 0.92
    assert detection.confidence == pytest.approx(expected.categories[0].score, abs=0.02)


def test_anchors_lie_in_the_middle_of_their_cells() -> None:
    """By hand: the first grid's second cell, the last grid's last one, and how many there are."""
    anchors = SHORT_RANGE.anchors()
    assert anchors.shape == (896, 2)
    assert anchors[2].tolist() == [12, 4]
    assert anchors[-1].tolist() == [120, 120]
    assert FULL_RANGE.anchors()[10 * 48 + 20].tolist() == [82, 42]


def test_a_box_is_relative_to_its_anchor() -> None:
    """Centre and size by hand."""
    raw: npt.NDArray[np.float32] = np.zeros((2, 16), np.float32)
    logits: npt.NDArray[np.float32] = np.array([-9, 0], np.float32)
    raw[1, :4] = (3, -2, 30, 40)
    boxes, scores = _decode(raw, logits, np.array([(0.0, 0), (82, 42)]))
    np.testing.assert_allclose(boxes, [(82 + 3 - 15, 42 - 2 - 20, 30, 40)])
    np.testing.assert_allclose(scores, [0.5])


def test_boxes_of_one_face_are_averaged_by_confidence() -> None:
    """Two of one face become one between them; another face stays by itself."""
    boxes = np.array([(0.0, 0, 10, 10), (2, 0, 10, 10), (50, 50, 10, 10)])
    first, second = _merge(boxes, np.array([0.9, 0.3, 0.4]))
    assert first.box == Box(0.5, 0, 10, 10)
    assert first.confidence == 0.9
    assert second.box == Box(50, 50, 10, 10)
