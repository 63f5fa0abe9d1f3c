"""Small pictures: of whatever frame, and whatever box a server may send."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import Box
from facegauge_client.report.thumbnail import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, thumbnail

PICTURE: npt.NDArray[np.uint8] = np.zeros((72, 128, 3), np.uint8)
FACE = Box(40, 20, 30, 30)


def shape(jpeg: bytes) -> tuple[int, ...]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)).shape


@pytest.mark.parametrize("size", [(1, 1), (72, 128), (2000, 2), (2, 70_000), (1080, 1920)])
def test_any_frame_becomes_small(size: tuple[int, int]) -> None:
    """Wide, tall, tiny or large."""
    small = thumbnail(np.zeros((*size, 3), np.uint8), None)
    assert small is not None
    height, width = shape(small.frame)[:2]
    assert height <= FRAME_HEIGHT_PX
    assert width <= FRAME_WIDTH_PX
    assert small.face == b""


@pytest.mark.parametrize(
    "box", [Box(-50, -50, 80, 80), Box(100, 60, 90, 90), Box(5, 5, 1, 1), Box(0, 0, 128, 72)]
)
def test_a_face_at_the_edge(box: Box) -> None:
    """A box that reaches beyond the frame is no problem."""
    small = thumbnail(PICTURE, box, [box])
    assert small is not None
    assert shape(small.face) == (200, 150, 3)


@pytest.mark.parametrize(
    "box",
    [
        Box(500, 500, 10, 10),
        Box(-90, 0, 20, 20),
        Box(5, 5, 0, 0),
        Box(0, 0, 1e12, 1e12),
        Box(0, math.nan, 9, 9),
    ],
)
def test_a_box_that_makes_no_sense_is_no_face(box: Box) -> None:
    """What a server sends cannot cost memory or end the replay."""
    small = thumbnail(PICTURE, box, [box])
    assert small is not None
    assert small.face == b""


@pytest.mark.parametrize("picture", [b"no picture", b"", np.zeros((0, 5, 3), np.uint8)])
def test_a_picture_that_cannot_be_read_is_left_out(picture: bytes | npt.NDArray[np.uint8]) -> None:
    """The score stays, the moment is not shown."""
    assert thumbnail(picture, FACE) is None


def test_encoded_bytes_are_read() -> None:
    """A folder's pictures come as their bytes."""
    assert thumbnail(cv2.imencode(".png", PICTURE)[1].tobytes(), FACE) is not None
