"""The full-range model, run by OpenVINO, finds faces where they are."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.stages.full_range import CELLS, INPUT_PX, FullRangeModel, _decode, _merge
from facegauge_server.types import Box, Pixels

FACE = Box(177, 66, 95, 95)
"""Of the portrait."""


@pytest.fixture(scope="module")
def model() -> Iterator[FullRangeModel]:
    opened = FullRangeModel()
    yield opened
    opened.close()


@pytest.mark.parametrize(("width", "height"), [(512, 512), (1280, 720), (720, 1280), (1500, 517)])
def test_a_face_is_found_in_frames_of_any_shape(
    astronaut: Pixels, model: FullRangeModel, width: int, height: int
) -> None:
    """The box lies over the face, in the frame's pixels, wherever the black bars of the model's input are."""
    frame = np.full((height, width, 3), 120, np.uint8)
    left, top = (width - 512) // 2, (height - 512) // 2
    frame[top : top + 512, left : left + 512] = astronaut
    (sighting,) = model.find(frame)
    assert sighting.box.iou(Box(FACE.x + left, FACE.y + top, FACE.width, FACE.height)) > 0.6
    assert 0.7 < sighting.confidence <= 1


def test_a_small_face_in_a_wide_frame(astronaut: Pixels, model: FullRangeModel) -> None:
    """A face of 74 px in 720 lines is found."""
    frame = np.full((720, 1280, 3), 120, np.uint8)
    frame[200:600, 500:900] = cv2.resize(astronaut, (400, 400), interpolation=cv2.INTER_AREA)
    (sighting,) = model.find(frame)
    assert sighting.box.iou(Box(500 + 138, 200 + 52, 74, 74)) > 0.5


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (900, 1, 3), (33, 640, 3), (720, 1280, 3)])
def test_nobody_is_found_where_nobody_is(model: FullRangeModel, shape: tuple[int, int, int]) -> None:
    """Flat and noisy pictures of any shape have no face."""
    assert model.find(np.full(shape, 127, np.uint8)) == []
    assert model.find(np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)) == []


def test_a_box_is_relative_to_its_cell() -> None:
    """Centre and size by hand: cell (row 10, column 20) is centred on (82, 42) in input pixels."""
    raw: npt.NDArray[np.float32] = np.zeros((CELLS * CELLS, 16), np.float32)
    logits: npt.NDArray[np.float32] = np.full(CELLS * CELLS, -9, np.float32)
    raw[10 * CELLS + 20, :4] = (3, -2, 30, 40)
    logits[10 * CELLS + 20] = 0.0
    boxes, scores = _decode(raw, logits)
    assert INPUT_PX / CELLS == 4
    np.testing.assert_allclose(boxes, [(82 + 3 - 15, 42 - 2 - 20, 30, 40)])
    np.testing.assert_allclose(scores, [0.5])


def test_boxes_of_one_face_are_averaged_by_confidence() -> None:
    """Two of one face become one between them; another face stays by itself."""
    boxes = np.array([(0.0, 0, 10, 10), (2, 0, 10, 10), (50, 50, 10, 10)])
    first, second = _merge(boxes, np.array([0.9, 0.3, 0.4]))
    assert first.box == Box(0.5, 0, 10, 10)
    assert first.confidence == 0.9
    assert second.box == Box(50, 50, 10, 10)
