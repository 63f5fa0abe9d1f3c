"""The crop: 3 wide to 4 high around the face, inside the frame, never squashed; what training cuts too."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegauge_server.face_limits import MIN_FACE_PX
from facegauge_server.stages.crop import crop_box, crop_faces, crop_region
from facegauge_server.types import Box, FaceBox, FaceBoxes, Frame

sides = st.floats(1, 3000)


def ramp(width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture whose red says how far right and whose green says how far down a pixel lies."""
    red = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    green = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return np.stack([red, green, np.zeros((height, width))], axis=-1).astype(np.uint8)


def test_a_face_in_the_middle_gets_its_margins() -> None:
    """1.3 widths by 1.7 heights, grown to 3:4, its centre a tenth of the height above the face's."""
    crop = crop_box(Box(600, 300, 100, 100), 1280, 720)
    assert (crop.width, crop.height) == pytest.approx((130, 520 / 3))
    assert crop.x + crop.width / 2 == pytest.approx(650)
    assert crop.y + crop.height / 2 == pytest.approx(340)


@given(st.floats(-500, 3000), st.floats(-500, 3000), sides, sides, st.integers(1, 2000), st.integers(1, 2000))
def test_every_crop_has_its_shape_and_lies_inside(
    x: float, y: float, width: float, height: float, frame_width: int, frame_height: int
) -> None:
    """Always 3:4 and never smaller than the face; inside wherever the frame is large enough to hold it."""
    crop = crop_box(Box(x, y, width, height), frame_width, frame_height)
    assert crop.width / crop.height == pytest.approx(0.75)
    assert crop.width >= width
    assert crop.height >= height
    for start, length, limit in ((crop.x, crop.width, frame_width), (crop.y, crop.height, frame_height)):
        if length <= limit:
            assert -1e-6 <= start <= limit - length + 1e-6
        else:
            assert start == pytest.approx((limit - length) / 2)


def test_at_the_edge_the_crop_shows_the_frame_only() -> None:
    """A face half out of view shifts the crop in: its left column is the frame's."""
    frame = ramp(640, 480)
    region = crop_box(Box(-40, 200, 120, 120), 640, 480)
    assert region.x == 0
    pixels = crop_region(frame, region, 30, 40)
    np.testing.assert_allclose(pixels[:, 0, 0], frame[0, round(region.width / 60), 0], atol=2)


def test_a_frame_too_small_is_padded_with_its_edge() -> None:
    """A face that fills the frame is neither squashed nor framed in black."""
    frame = ramp(100, 100)
    pixels = crop_region(frame, crop_box(Box(5, 5, 90, 90), 100, 100), 60, 80)
    assert pixels.shape == (80, 60, 3)
    assert pixels[0, :, 1].max() == 0, "the topmost rows repeat the frame's first"
    assert pixels[-1, :, 1].min() == 255
    across = np.diff(pixels[40, :, 0].astype(int))
    down = np.diff(pixels[20:60, 30, 1].astype(int))
    assert np.median(across) == pytest.approx(np.median(down), abs=1), "both directions have one scale"


@pytest.mark.parametrize("width", [600, 860, 1200])
def test_shrinking_is_antialiased(width: int) -> None:
    """A fine chessboard shrinks to little but its mean, not to a pattern that was never there."""
    board = ((np.indices((width * 4 // 3, width)).sum(axis=0) % 2) * 255).astype(np.uint8)
    pixels = crop_region(np.stack([board] * 3, axis=-1), Box(0, 0, width, width * 4 / 3), 288, 384)
    assert abs(pixels.mean() - 127.5) < 1
    assert 100 <= pixels.min() <= pixels.max() <= 155
    assert pixels.std() < 10


@pytest.mark.parametrize("width", [300, 340, 384])
def test_a_shrunk_picture_shows_each_pixel_over_what_it_covers(
    astronaut: npt.NDArray[np.uint8], width: int
) -> None:
    """The fast way differs from the mean over each pixel's area by less than a level of 255 on average."""
    pixels = crop_region(astronaut, Box(60, 0, width, width * 4 / 3), 288, 384, display_lines=512)
    cut = astronaut[0 : round(width * 4 / 3), 60 : 60 + width]
    area = cv2.resize(cut, (288, 384), interpolation=cv2.INTER_AREA)
    assert np.abs(pixels.astype(float) - area).mean() < 1
    assert abs(pixels.astype(float).mean() - area.mean()) < 0.25


def test_what_the_display_drops_is_not_seen(astronaut: npt.NDArray[np.uint8]) -> None:
    """A frame with more lines than the display loses detail that one of as many lines keeps."""
    region = Box(0, 0, 384, 512)
    shown = crop_region(astronaut, region, 288, 384, display_lines=512)
    reduced = crop_region(astronaut, region, 288, 384, display_lines=128)
    assert (
        np.abs(np.diff(shown.astype(int), axis=1)).mean()
        > 1.5 * np.abs(np.diff(reduced.astype(int), axis=1)).mean()
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 1000), (1000, 2)])
def test_degenerate_frames_are_cropped(size: tuple[int, int]) -> None:
    """No frame is too odd to give a picture of the right size."""
    frame = np.full((*size, 3), 77, np.uint8)
    pixels = crop_region(frame, crop_box(Box(-50, -50, 40, 40), size[1], size[0]), 288, 384)
    assert pixels.shape == (384, 288, 3)
    assert pixels.flags.c_contiguous
    assert np.unique(pixels).tolist() == [77]


def test_small_faces_are_told_apart() -> None:
    """32 px on the short side are cropped, less is not; the order is kept."""
    frame = Frame(7, 1.5, ramp(640, 480))
    faces = (
        FaceBox(1, Box(300, 100, 90, 90)),
        FaceBox(2, Box(100, 100, MIN_FACE_PX, 60)),
        FaceBox(3, Box(500, 100, MIN_FACE_PX - 0.5, 60)),
    )
    crops = crop_faces(FaceBoxes(frame, faces), 288, 384)
    assert [crop.face.track_id for crop in crops.crops] == [1, 2]
    assert [face.track_id for face in crops.too_small] == [3]
    assert (crops.sequence, crops.capture_time_s) == (7, 1.5)
