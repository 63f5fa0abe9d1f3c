"""How black, how plain and how still a picture is, on pictures whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.faults.definitions import BLACK, COVERED, STANDING
from facegauge_server.stages.view import StillState, look
from facegauge_server.types import FaceBoxes, Frame, View

Picture = npt.NDArray[np.uint8]


def see(*pictures: Picture, fps: float = 10) -> View:
    still = StillState()
    for index, pixels in enumerate(pictures):
        view, still = look(FaceBoxes(Frame(index, index / fps, pixels), ()), still)
    return view


def noise(random: np.random.Generator, level: int, strength: float) -> Picture:
    made: Picture = np.clip(random.normal(level, strength, (480, 640, 3)), 0, 255).astype(np.uint8)
    return made


def test_black_and_covered_pictures(astronaut: Picture) -> None:
    """Noise of a dark sensor is black all the same, a covered lens is plain, a portrait neither."""
    random = np.random.default_rng(1)
    assert see(noise(random, 8, 6)).black_share >= BLACK.threshold
    hand = cv2.resize(np.array([[[60, 20, 10], [120, 40, 20]]], np.uint8), (640, 480))
    covered = see(np.clip(hand + random.normal(0, 8, hand.shape), 0, 255).astype(np.uint8))
    assert covered.texture <= COVERED.threshold
    assert covered.black_share < 0.9
    portrait = see(astronaut)
    assert portrait.black_share < 0.5
    assert portrait.texture > 2 * COVERED.end


@pytest.mark.parametrize("quality", [30, 90])
def test_a_picture_that_is_sent_again_stands_still(astronaut: Picture, quality: int) -> None:
    """As JPEG; for as long as it is sent, from the third time on."""
    _, data = cv2.imencode(".jpg", astronaut, [cv2.IMWRITE_JPEG_QUALITY, quality])
    picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    assert see(picture, picture).still_s == 0
    assert see(*[picture] * 11).still_s == pytest.approx(1.0)
    assert see(*[picture] * 11, astronaut[::-1].copy()).still_s == 0


def test_a_head_that_sways_does_not(astronaut: Picture) -> None:
    """By two pixels before a wall that stands: one block is enough, and slow change adds up."""
    pictures = [astronaut.copy() for _ in range(30)]
    for index, picture in enumerate(pictures):
        picture[50:200, 160:290] = astronaut[50:200, 160 + index // 2 % 3 : 290 + index // 2 % 3]
    assert see(*pictures).still_s < STANDING.threshold
    fading = [np.asarray(astronaut // 4 * 3 + index // 2, np.uint8) for index in range(60)]
    assert see(*fading, fps=10).still_s < 2 * STANDING.threshold


@pytest.mark.parametrize("shape", [(2, 2), (1, 8), (33, 4), (90, 720), (1080, 1920)])
def test_any_size(shape: tuple[int, int]) -> None:
    """Every picture that is decoded can be looked at."""
    view = see(*[np.zeros((*shape, 3), np.uint8)] * 3)
    assert (view.height, view.width) == shape
    assert view.black_share == 1.0


def test_a_picture_goes_on_standing_at_another_server(astronaut: Picture) -> None:
    """Which has not seen it: it holds the next picture to be the same, until one differs."""
    still = StillState(None, since_s=1.0, pictures=5)
    view, still = look(FaceBoxes(Frame(0, 3.0, astronaut), ()), still)
    assert view.still_s == 2.0
    view, still = look(FaceBoxes(Frame(1, 3.1, astronaut), ()), still)
    assert view.still_s == pytest.approx(2.1)
    view, still = look(FaceBoxes(Frame(2, 3.2, astronaut[::-1].copy()), ()), still)
    assert view.still_s == 0
