"""Scores leave a batch as one finite number within 0-1 a crop, or not at all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.engines import create_engine
from facegauge_server.engines.score import score_crops
from facegauge_server.engines.student import load_student
from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box


class BrokenEngine:
    """An engine as a broken model would make it; a whole one cannot be made to answer so."""

    name = "broken"
    precision = "f32"
    gains_from_batches = False

    def __init__(self, *answers: float) -> None:
        self._answers = np.array(answers, dtype=np.float32)

    def score(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        assert pixels.dtype == np.uint8
        return self._answers

    def close(self) -> None: ...


CROPS = np.zeros((2, 4, 3, 3), np.uint8)


@pytest.mark.parametrize(
    "answers", [(0.5,), (0.5, 0.5, 0.5), (), (0.5, float("nan")), (float("inf"), 0.5), (0.5, -float("inf"))]
)
def test_a_wrong_answer_is_our_error(answers: tuple[float, ...]) -> None:
    """Too few, too many, no numbers: raised with the engine's name, never passed on as a score."""
    with pytest.raises(RuntimeError, match=r"the broken engine gave .* for 2 crops"):
        score_crops(CROPS, BrokenEngine(*answers))


def test_scores_stay_within_their_range() -> None:
    """A hair beyond 0 or 1 is rounding, not another range."""
    scores = score_crops(CROPS, BrokenEngine(-1e-6, 1.00001))
    assert scores.tolist() == [0.0, 1.0]
    assert scores.dtype == np.float32


def test_the_shipped_student_prefers_the_sharp_face(astronaut: npt.NDArray[np.uint8]) -> None:
    """The real chain: the NASA portrait scores above itself at an eighth of its pixels, twice the same."""
    student = load_student("default")
    coarse = np.repeat(np.repeat(astronaut[::8, ::8], 8, axis=0), 8, axis=1)
    region = crop_box(Box(177, 82, 95, 95), 512, 512)
    crops = [crop_region(p, region, student.input_width, student.input_height) for p in (astronaut, coarse)]
    engine = create_engine("openvino", student, threads=1)
    pixels = np.stack(crops)
    sharp, blocky = score_crops(pixels, engine).tolist()
    assert sharp > blocky + 0.1
    assert score_crops(pixels, engine).tolist() == [sharp, blocky]
    engine.close()
