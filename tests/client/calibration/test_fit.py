"""The map comes near what viewers in general would say, rises, and its interval holds clips never seen."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_client.calibration.fit import COVERAGE, MAPS, fit

from .conftest import opinion, rated_clips


def test_the_truth_is_found() -> None:
    """Forty clips and twelve raters: the map is within a quarter of a point of the mean of all viewers."""
    found = fit(rated_clips())
    truth = [opinion(quality) for quality in found.quality]
    rated = [0.1 <= quality <= 0.95 for quality in found.quality]
    errors = np.abs(np.subtract(found.mos, truth))[rated]
    assert errors.max() < 0.25
    assert found.kind == "logistic"
    assert found.srocc > 0.95
    assert found.rated_range == (0.1, 0.95)


def test_a_shape_that_no_logistic_has() -> None:
    """A step is foretold better by isotonic regression, and cross-validation sees it."""
    found = fit(
        rated_clips(80, truth=lambda quality: 1.5 if quality < 0.3 else 3.0 if quality < 0.7 else 3.2)
    )
    assert found.kind == "isotonic"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", MAPS)
def test_every_map_rises_within_the_scale(kind: str, seed: int) -> None:
    """Whatever the ratings, at every quality."""
    random = np.random.default_rng(seed)
    made = MAPS[kind](random.random(25), random.uniform(1, 5, 25))
    mos = made(np.linspace(0, 1, 1001))
    assert (np.diff(mos) >= 0).all()
    assert mos.min() >= 1
    assert mos.max() <= 5


def test_the_interval_holds_clips_never_seen() -> None:
    """Over many panels of viewers, 95 of 100 new clips lie in it, give or take what so few can tell."""
    inside = []
    for seed in range(40):
        found = fit(rated_clips(30, 8, seed=seed))
        new = rated_clips(30, 8, seed=1000 + seed)
        foretold = np.interp([clip.quality for clip in new], found.quality, found.mos)
        inside += (np.abs(foretold - [clip.mos for clip in new]) <= found.half_width).tolist()
    assert np.mean(inside) == pytest.approx(COVERAGE, abs=0.04)


def test_the_order_of_the_clips_changes_nothing() -> None:
    """Folds go by quality, not by the file's order, so that the same ratings give the same file."""
    clips = rated_clips()
    assert fit(clips) == fit(clips[::-1])
