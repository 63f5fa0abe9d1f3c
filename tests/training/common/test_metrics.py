from __future__ import annotations

import numpy as np
import pytest

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import (
    agreement,
    challenge_report,
    intervals,
    logistic_fit,
    srocc_within,
    validation_metrics,
)

LABELS = np.linspace(0.05, 0.95, 40)
GROUPS = tuple(f"face {n // 4}" for n in range(40))


def test_by_hand() -> None:
    """Ranks 1 3 2 4 against 1 2 3 4: SROCC is 1 - 6 * 2 / 60; a shift is all of the RMSE."""
    labels = np.array([0.1, 0.2, 0.3, 0.4])
    assert validation_metrics(np.array([0.1, 0.3, 0.2, 0.4]), labels)["srocc"] == pytest.approx(0.8)
    assert validation_metrics(labels + 0.25, labels)["rmse"] == pytest.approx(0.25)
    assert validation_metrics(labels + 0.25, labels)["score"] == pytest.approx(1)


def test_within_a_group_its_own_offset_does_not_count() -> None:
    """Each face in order, however far apart faces are; equal scores count 0, equal labels not at all."""
    labels = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.5, 0.5])
    groups = np.array(["a"] * 3 + ["b"] * 3 + ["c"] * 2)
    assert srocc_within(labels + 5 * (groups == "a"), labels, groups) == 1.0
    assert srocc_within(np.where(groups == "a", labels, 0.7), labels, groups) == 0.5
    with pytest.raises(RecipeError, match="No group"):
        srocc_within(labels, labels, np.arange(8).astype(str))


def test_equal_scores_have_no_order() -> None:
    """A network that says the same of all pictures gets no figure, and no NaN."""
    assert validation_metrics(np.full(40, 0.5), LABELS)["score"] is None
    with pytest.raises(RecipeError, match=r"scores of the model are all 0\.5"):
        challenge_report(np.full(40, 0.5), LABELS, GROUPS)
    with pytest.raises(RecipeError, match="labels are all"):
        challenge_report(LABELS, np.full(40, 0.5), GROUPS)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_fit_undoes_a_logistic_curve(scale: float) -> None:
    """Scores bent by a logistic curve correlate fully after the fit, whatever their range, less before."""
    bent = scale * np.log((LABELS + 0.02) / (1.02 - LABELS))
    figures = agreement(bent, LABELS)
    assert figures["plcc"] < 0.999
    assert figures["plcc_fitted"] > 0.9995
    assert logistic_fit(bent, LABELS)(bent) == pytest.approx(LABELS, abs=0.02)


def test_scores_without_any_relation_are_measured_too() -> None:
    """The curve that fits them may be flat, which must not end in NaN or never."""
    scores = np.tile([0.2, 0.8, 0.8, 0.2], 10)
    figures = challenge_report(scores, LABELS, GROUPS, resamples=20)
    assert all(np.isfinite(value).all() for value in figures.values())
    assert -0.2 < figures["plcc_fitted"] < 0.2  # type: ignore[operator]


def test_a_curve_needs_more_scores_than_parameters() -> None:
    """With three it is left out."""
    few = np.array([0.1, 0.5, 0.9])
    assert (logistic_fit(few, few)(few) == few).all()


def test_the_report_says_which_is_which() -> None:
    """Score is the mean of SROCC and PLCC, raw and fitted; each lies in its interval."""
    scores = LABELS + np.random.default_rng(0).normal(0, 0.1, 40)
    figures = challenge_report(scores, LABELS, GROUPS, resamples=100)
    assert figures["score"] == pytest.approx((figures["srocc"] + figures["plcc"]) / 2, abs=1e-3)  # type: ignore[operator]
    assert figures["score_fitted"] == pytest.approx((figures["srocc"] + figures["plcc_fitted"]) / 2, abs=1e-3)  # type: ignore[operator]
    for name in ("srocc", "plcc", "plcc_fitted", "score", "score_fitted"):
        low, high = figures[f"{name}_interval_95"]  # type: ignore[misc]
        assert low <= figures[name] <= high  # type: ignore[operator]
    assert figures["groups"] == 10
    assert figures == challenge_report(scores, LABELS, GROUPS, resamples=100)


def test_nearly_constant_scores_are_measured_without_a_warning() -> None:
    """As an untrained network gives them."""
    figures = challenge_report(0.5 + 1e-14 * LABELS.round(1), LABELS, GROUPS, resamples=20)
    assert np.isfinite(figures["score"]).all()


def test_intervals_hold_the_figure_and_repeat_themselves() -> None:
    """The ladder's and the challenge's come from one bootstrap; labels without any spread are refused."""
    scores = LABELS + np.random.default_rng(0).normal(0, 0.1, 40)
    found = intervals(scores, LABELS, np.array(GROUPS), 100)
    report = challenge_report(scores, LABELS, GROUPS, resamples=100)
    assert found["srocc"] == report["srocc_interval_95"]
    assert found["plcc"] == report["plcc_interval_95"]
    with pytest.raises(RecipeError, match="equal for an interval"):
        intervals(scores, np.full(40, 0.5), np.array(GROUPS), 10)
