"""Scores leave a batch as one finite number within 0-1 a crop, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.engines import create_engine
from facegauge_server.engines.score import score_crops
from facegauge_server.engines.student import load_student
from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box, Cause, CauseKind, CropScore, RawScores


class BrokenEngine:
    """An engine as a broken model would make it; a whole one cannot be made to answer so."""

    name = "broken"
    causes: tuple[CauseKind, ...] = ()
    precision = "f32"
    gains_from_batches = False

    def __init__(self, *answers: float, costs: Any = None) -> None:
        given = None if costs is None else np.array(costs, np.float32)
        self._answers = RawScores(np.array(answers, np.float32), given)

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        assert pixels.dtype == np.uint8
        return self._answers

    def close(self) -> None: ...


CROPS = np.zeros((2, 4, 3, 3), np.uint8)


@pytest.mark.parametrize(
    "answers", [(0.5,), (0.5, 0.5, 0.5), (), (0.5, float("nan")), (float("inf"), 0.5), (0.5, -float("inf"))]
)
def test_a_wrong_answer_is_our_error(answers: tuple[float, ...]) -> None:
    """Too few, too many, no numbers: raised with the engine's name, never passed on as a score."""
    with pytest.raises(RuntimeError, match=r"the broken engine gave .* where \(2,\) finite figures were due"):
        score_crops(CROPS, BrokenEngine(*answers))


@pytest.mark.parametrize("costs", [None, [[0.1, 0.2]], [[0.1], [0.2]], [[0.1, 0.2], [0.3, float("nan")]]])
def test_wrong_costs_are_our_error(costs: Any) -> None:
    """Causes that are named come with a finite cost each, for every crop, or nothing is scored."""
    engine = BrokenEngine(0.5, 0.5, costs=costs)
    engine.causes = (CauseKind.BLUR, CauseKind.NOISE)
    with pytest.raises(RuntimeError, match="the broken engine gave"):
        score_crops(CROPS, engine)


def test_costs_come_under_their_causes() -> None:
    """Each crop gets its own row, in the student's order, within 0-1."""
    engine = BrokenEngine(0.5, 0.75, costs=[[0.25, 0.5], [-1e-7, 1.0001]])
    engine.causes = (CauseKind.NOISE, CauseKind.BLUR)
    assert score_crops(CROPS, engine) == [
        CropScore(0.5, (Cause(CauseKind.NOISE, 0.25), Cause(CauseKind.BLUR, 0.5))),
        CropScore(0.75, (Cause(CauseKind.NOISE, 0.0), Cause(CauseKind.BLUR, 1.0))),
    ]


def test_scores_stay_within_their_range() -> None:
    """A hair beyond 0 or 1 is rounding, not another range."""
    scores = score_crops(CROPS, BrokenEngine(-1e-6, 1.00001))
    assert scores == [CropScore(0.0), CropScore(1.0)]


def test_the_shipped_student_prefers_the_sharp_face(astronaut: npt.NDArray[np.uint8]) -> None:
    """The real chain: the NASA portrait scores above itself at an eighth of its pixels, twice the same."""
    student = load_student("default")
    coarse = np.repeat(np.repeat(astronaut[::8, ::8], 8, axis=0), 8, axis=1)
    region = crop_box(Box(177, 82, 95, 95), 512, 512)
    crops = [crop_region(p, region, student.input_width, student.input_height) for p in (astronaut, coarse)]
    engine = create_engine("openvino", student, threads=1)
    pixels = np.stack(crops)
    sharp, blocky = score_crops(pixels, engine)
    assert sharp.quality > blocky.quality + 0.1
    assert score_crops(pixels, engine) == [sharp, blocky]
    engine.close()
