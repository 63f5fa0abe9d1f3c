"""How much the error depends on whose face it is, on a made-up ladder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ANCHORED, LADDER
from facegauge_training.evaluation.figures import honest_figures
from facegauge_training.evaluation.report.calibration import coverage_by, interval_by_score
from facegauge_training.evaluation.report.gaps import own_bias, widest_gap
from facegauge_training.evaluation.report.groups import by_family, by_group
from facegauge_training.evaluation.report.measured import Measured
from facegauge_training.evaluation.report.spread import spread_by_step, worst_spread


def shifted(measured: Measured, by: np.ndarray) -> Measured:
    """Return a student that is right but for a shift of each face, by number."""
    number = np.unique(measured.faces, return_inverse=True)[1]
    return replace(measured, scores=measured.labels + by[number])


def test_own_bias_is_the_spread_of_the_faces_means(measured: Measured) -> None:
    """Half of the faces a tenth too high: a standard deviation of 0.05, inside its interval."""
    found = own_bias(shifted(measured, np.array([0, 0.1] * 4)), resamples=50)
    assert found.value == pytest.approx(0.05)
    assert found.low <= found.value <= found.high


def test_a_gap_that_groups_make_is_wider_than_chance() -> None:
    """Groups a tenth apart: hardly a random deal is as wide. Without a difference many deals are."""
    rng = np.random.default_rng(1)
    errors, groups = rng.normal(0, 0.02, 60), np.array(["a", "b", "c"] * 20)
    apart = widest_gap(errors + 0.1 * (groups == "c"), groups, resamples=200)
    alike = widest_gap(errors, groups, resamples=200)
    assert apart is not None
    assert alike is not None
    assert apart.highest == "c"
    assert apart.width.low > 0.05 > apart.by_chance
    assert apart.chance == 0
    assert alike.chance > 0.05


def test_groups_of_a_few_faces_are_not_compared() -> None:
    """Four faces are no group: with one group left there is no gap."""
    assert widest_gap(np.arange(14.0), np.array(["a"] * 10 + ["b"] * 4), resamples=20) is None


def test_spread_stands_beside_the_labels_own(measured: Measured) -> None:
    """Right scores have none of it; a student that gives each step its mean label has all of it."""
    assert all(step.error == 0 for step in spread_by_step(replace(measured, scores=measured.labels + 0.0)))
    means = measured.labels.copy()
    for family in LADDER:
        for n in range(8):
            at = (measured.family == family) & (measured.step == n)
            if at.any():
                means[at] = means[at].mean()
    blind = worst_spread(spread_by_step(replace(measured, scores=means)))
    assert blind.share == pytest.approx(1)


def test_families_have_their_own_bias_and_order_beside_pristine_crops(measured: Measured) -> None:
    """A shift of x264 alone is x264's; each family is ordered together with the untouched crops."""
    raised = replace(measured, scores=measured.labels + 0.1 * (measured.family == "x264"))
    found = {group.name: group for group in by_family(raised, 20)}
    assert found.keys() == set(LADDER) - {"pristine"}
    assert found["x264"].bias.value == pytest.approx(0.1)
    assert found["vp9"].bias.value == pytest.approx(0)
    assert found["vp9"].srocc.value == pytest.approx(1)
    own = by_group(raised, raised.family, 20)
    assert found["x264"].crops == next(group.crops for group in own if group.name == "x264")


def test_an_interval_says_what_it_holds_of_faces_it_was_not_made_from() -> None:
    """Faces that err alike are held as promised; one that errs otherwise is not, and its group shows it."""
    rng = np.random.default_rng(2)
    faces = np.repeat([f"{n:02d}" for n in range(40)], 50)
    labels = rng.random(len(faces))
    scores = (labels + rng.normal(0, 0.03, len(labels))).clip(0, 1)
    told = interval_by_score(scores, labels, faces)
    assert told.held == pytest.approx(0.9, abs=0.03)
    assert told.as_json()["held_out_coverage"] == pytest.approx(told.held, abs=1e-4)
    odd = faces == "39"
    shift = np.where(odd, 0.2, 0.0)
    measured = Measured(
        labels, scores - shift, faces, np.full(len(faces), "x264"), np.ones(len(faces), np.int_)
    )
    held = coverage_by(measured, np.where(odd, "odd", "others"))
    assert held["odd"] < 0.2


def test_every_figure_is_there(measured: Measured, made_up: CropSet) -> None:
    """What JSON and page need, with intervals where there are faces enough."""
    figures = honest_figures(measured, made_up)
    assert figures["groups"].keys() == {"size in the frame", "brightness", "skin tone", "source"}
    plain = [steps for family, steps in LADDER.items() if family not in ("pristine", *ANCHORED)]
    assert len(figures["spread_by_step"]) == sum(map(len, plain))
    assert set(figures["one_crop_interval"]["held_by_source"]) == {"made <up> & co", "other"}
    assert figures["beyond_the_score"].keys() == {"size in the frame", "brightness", "skin tone"}
    assert figures["own_bias"]["value"] < 0.05
