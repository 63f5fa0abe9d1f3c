from __future__ import annotations

from collections import Counter

import numpy as np

from facegauge_training.data.cause_plan import CAUSE_LADDER, draw_versions, with_counterfactuals
from facegauge_training.data.causes import CAUSES, causes_of, removals, without, without_nuisances
from facegauge_training.data.degradation_chain import Chain

DRAWN = [draw_versions(np.random.default_rng(seed)) for seed in range(300)]


def test_whatever_a_version_is_compared_with_is_there() -> None:
    """Each clip begins untouched and holds, once each, all that its gains need."""
    for chains in [*DRAWN, with_counterfactuals([c for steps in CAUSE_LADDER.values() for c in steps])]:
        assert chains[0] == Chain()
        assert len(chains) == len(set(chains))
        there = set(chains)
        for chain in chains:
            plain = without_nuisances(chain)
            assert {plain, *(without(plain, some) for some in removals(plain))} <= there


def test_most_versions_have_one_to_three_causes_and_every_cause_occurs() -> None:
    """What is drawn is of every kind, and no version is a heap of defects."""
    chains = [chain for clip in DRAWN for chain in clip]
    counts = Counter(len(causes_of(chain)) for chain in chains)
    assert max(counts) == 3
    assert min(counts[1], counts[2], 3 * counts[3]) > 0.15 * len(chains)
    causes = Counter(cause for chain in chains for cause in causes_of(chain))
    assert set(causes) == set(CAUSES)
    assert min(causes.values()) > 0.03 * len(chains)
    assert {chain.codec for chain in chains} == {"", "x264", "vp8", "vp9", "av1"}
    assert {chain.loss_kind for chain in chains} == {"", "slices", "frames", "freeze"}
    for name in ("kbps", "motion", "defocus", "webcam", "denoise", "sharpen", "beauty"):
        assert any(getattr(chain, name) for chain in chains), name
    stops = [chain.stops for chain in chains if chain.stops]
    assert min(stops) < -3
    assert max(stops) > 2


def test_a_clip_has_few_enough_versions_to_be_cheap() -> None:
    """Measurements are shared: no clip needs more than a dozen versions."""
    assert max(len(chains) for chains in DRAWN) <= 13


def test_the_same_seed_draws_the_same() -> None:
    """A run that is started again makes the same clips."""
    assert draw_versions(np.random.default_rng(7)) == DRAWN[7]
