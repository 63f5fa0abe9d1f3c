from __future__ import annotations

import numpy as np
import pytest

from facegauge_training.challenge.samplers import SAMPLERS, shuffled, stratified, tails

SCORES = np.array([0.05] + [0.5] * 90 + [0.95] * 9, np.float32)


def test_strata_are_seen_alike() -> None:
    """One row in a hundred fills its stratum alone: it is drawn as often as ninety others together (SSUS)."""
    order = np.concatenate([stratified(SCORES, np.random.default_rng(seed)) for seed in range(50)])
    shares = [np.mean(np.isclose(SCORES[order], score)) for score in (0.05, 0.5, 0.95)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)
    assert len(stratified(SCORES, np.random.default_rng(0))) == len(SCORES)


def test_scores_at_the_borders_have_a_stratum() -> None:
    """0 and 1 belong to the first and the last band."""
    order = stratified(np.array([0.0, 1.0], np.float32), np.random.default_rng(0))
    assert set(order) <= {0, 1}


def test_tails_come_twice() -> None:
    """RegNet: below 0.1 and above 0.9 two times, the rest once."""
    order = tails(SCORES, np.random.default_rng(0))
    times = np.bincount(order, minlength=100)
    assert (times[(SCORES < 0.1) | (SCORES > 0.9)] == 2).all()
    assert (times[np.isclose(SCORES, 0.5)] == 1).all()


def test_shuffling_leaves_nobody_out() -> None:
    assert sorted(shuffled(SCORES, np.random.default_rng(0))) == list(range(100))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_gives_the_same_order(name: str) -> None:
    """A resumed run goes on in the order that it left."""
    first, again, other = (SAMPLERS[name](SCORES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
