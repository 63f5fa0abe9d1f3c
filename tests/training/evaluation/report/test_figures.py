from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from facegauge_server.types import Box
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import agreement, ordered_pairs
from facegauge_training.data.ladder import ANCHORED, LADDER
from facegauge_training.evaluation.report.calibration import calibration, expected_error, prediction_interval
from facegauge_training.evaluation.report.faces import TONE_EDGES, TONES, brightness, typology_angle
from facegauge_training.evaluation.report.groups import by_group, cut_into, error_by_face, trend
from facegauge_training.evaluation.report.headline import families, headline, srocc
from facegauge_training.evaluation.report.measured import Measured, interval
from facegauge_training.evaluation.report.sweep import SIZES, Sweep, losses, resized_face


def test_the_first_table_agrees_with_what_evaluate_prints(measured: Measured) -> None:
    """SROCC, PLCC, RMSE and both orders are `metrics`' own, each inside its interval."""
    student, *baselines = headline(measured, resamples=50)
    plain = measured.plain
    told = agreement(measured.scores[plain], measured.labels[plain])
    for name in ("srocc", "plcc", "plcc_fitted", "rmse"):
        assert student.figures[name].value == pytest.approx(told[name], abs=1e-4)
    kinds = [family for family in LADDER if family not in ANCHORED]
    columns = (measured.labels, measured.family, measured.step, measured.faces)
    for row, scores in ((student, measured.scores), (baselines[-1], measured.baselines["brisque"])):
        pairs = ordered_pairs(scores, *columns, kinds)
        for name in ("two_apart", "neighbours"):
            assert row.figures[name].value == pytest.approx(pairs[name], abs=1e-4)
    for estimate in student.figures.values():
        assert estimate.low <= estimate.value <= estimate.high


def test_leads_are_paired_and_sorted(measured: Measured) -> None:
    """A student that is its own baseline leads by exactly nothing; the useless one comes last."""
    told = headline(replace(measured, baselines={**measured.baselines, "itself": measured.scores}), 50)
    assert [row.name for row in told] == ["student", "itself", "laplacian", "brisque"]
    assert told[0].lead is None
    itself, laplacian, useless = (row.lead for row in told[1:])
    assert itself is not None
    assert (itself.low, itself.value, itself.high) == (0, 0, 0)
    assert laplacian is not None
    assert useless is not None
    assert 0 < laplacian.low < laplacian.value < useless.low


def test_ranks_share_ties() -> None:
    """Spearman's correlation as SciPy has it, and none where nothing differs."""
    a, b = np.array([1.0, 2, 2, 5, 4]), np.array([0.1, 0.1, 0.3, 0.2, 0.9])
    assert srocc(a, b) == pytest.approx(float(spearmanr(a, b)[0]))
    assert np.isnan(srocc(a, np.ones(5)))


def test_families_stand_with_their_pristine_crops(measured: Measured) -> None:
    told = families(measured)
    assert set(told) == set(LADDER) - {"pristine"}
    assert told["x264"]["student"] > told["x264"]["brisque"]


def test_too_little_is_an_error(measured: Measured) -> None:
    """Two faces, a handful of crops, scores that are all equal, or one that is NaN."""
    with pytest.raises(RecipeError, match="too few"):
        measured.chosen(np.isin(measured.faces, ("00", "01")))
    with pytest.raises(RecipeError, match="too few"):
        measured.chosen(measured.family == "pristine")
    for wrong in (np.full(len(measured.labels), 0.5), np.where(measured.step == 0, np.nan, measured.scores)):
        with pytest.raises(RecipeError, match="brisque"):
            replace(measured, baselines={"brisque": wrong})


def test_a_score_that_is_its_label_is_calibrated(measured: Measured) -> None:
    """No error then; a tenth too high is a tenth of error."""
    perfect = replace(measured, scores=measured.labels)
    assert expected_error(calibration(perfect, 20)) == pytest.approx(0)
    high = replace(measured, scores=measured.labels + 0.1)
    assert expected_error(calibration(high, 20)) == pytest.approx(0.1, abs=1e-6)


def test_the_interval_holds_what_it_says() -> None:
    """Made from one half of many faces, 90% of the other half's labels lie in it."""
    rng = np.random.default_rng(0)
    n = 6000
    labels = rng.random(n)
    scores = (labels + rng.normal(0, 0.05, n)).clip(0, 1)
    faces = np.array([f"{i % 100:03d}" for i in range(n)])
    told = prediction_interval(Measured(labels, scores, faces, np.full(n, "x264"), np.ones(n, np.int_)))
    assert told.held == pytest.approx(0.9, abs=0.02)
    assert (told.low < 0).all()
    assert (told.high > 0).all()
    assert sum(told.crops) == n


def test_a_group_that_is_scored_too_high_is_seen(measured: Measured) -> None:
    """Its bias is off 0 by more than its interval, and follows what sets the group apart."""
    chosen = np.isin(measured.faces, ("04", "05", "06", "07"))
    raised = replace(measured, scores=measured.scores + 0.1 * chosen)
    low, high = by_group(raised, np.where(chosen, "b", "a"), 50)
    assert (low.name, low.faces, high.faces) == ("a", 4, 4)
    assert abs(low.bias.value) < 0.02
    assert high.bias.low > 0.05
    assert trend(np.arange(8.0), error_by_face(raised), 50).value > 0.5


def test_names_of_ranges() -> None:
    assert cut_into(np.array([-5.0, 0, 3, 99]), (0.0, 10.0), ("low", "mid", "high")).tolist() == [
        "low", "mid", "mid", "high",
    ]  # fmt: skip


def test_an_interval_without_a_value_is_left_open() -> None:
    assert np.isnan(interval(0.5, []).low)
    assert interval(0.5, [0.4, float("nan"), 0.6]).high == pytest.approx(0.595)


def test_light_skin_has_a_larger_angle_than_dark() -> None:
    """Flat patches of skin's colours fall into the classes that they should; blue is no skin."""
    angles = [
        typology_angle(np.full((384, 288, 3), color, np.uint8))
        for color in ((244, 208, 177), (198, 134, 66), (92, 58, 30))
    ]
    assert angles == sorted(angles, reverse=True)
    assert cut_into(np.array(angles), TONE_EDGES, TONES).tolist()[0] in ("light", "very light")
    assert cut_into(np.array(angles), TONE_EDGES, TONES).tolist()[2] == "dark"
    assert np.isnan(typology_angle(np.full((384, 288, 3), (20, 40, 200), np.uint8)))
    assert brightness(np.full((8, 8, 3), 77, np.uint8)) == pytest.approx(77)


def test_a_score_that_rises_as_pixels_are_lost_is_counted() -> None:
    """One face falls all the way, one rises at the end, one has too few pixels for the larger sizes."""
    none = np.nan
    scores = np.array([[0.2, 0.4, 0.6, 0.8, 0.9], [0.7, 0.6, 0.7, 0.8, 0.9], [0.3, 0.32, none, none, none]])
    told = {(loss.larger, loss.smaller): loss for loss in losses(Sweep(scores))}
    last = told[128, 96]
    assert (last.faces, last.risen, last.noticeably) == (3, 1, 1)
    assert last.worst == pytest.approx(0.1)
    assert (told[400, 256].faces, told[400, 256].risen) == (2, 0)
    assert told[400, 96].mean == pytest.approx(-0.45)


@pytest.mark.parametrize("size", SIZES)
def test_a_smaller_face_has_less_detail_in_the_same_crop(size: int) -> None:
    """The crop has the student's size whatever the face's, and detail that the pixels can hold."""
    photo = np.random.default_rng(0).integers(0, 256, (900, 801, 3)).astype(np.uint8)
    face = Box(200, 250, 410, 410)
    crop = resized_face(photo, face, size, 288, 384)
    assert crop.shape == (384, 288, 3)
    largest = resized_face(photo, face, 400, 288, 384)
    assert crop.std() <= largest.std()
