"""How much the error depends on whose face it is: a face's own bias, and the widest gap between groups.

The largest mean of several groups less the smallest is above 0 even if groups do not matter, since each mean
rests on a few faces. So the gap stands beside what chance makes of it: the same faces dealt into groups of
the same sizes at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegauge_training.common.metrics import group_draws
from facegauge_training.evaluation.report.groups import error_by_face
from facegauge_training.evaluation.report.measured import Estimate, Floats, Measured, Names, interval

__all__ = ["MIN_GROUP", "Gap", "own_bias", "widest_gap"]

MIN_GROUP = 5
"""Faces of a group that is compared."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The group that is scored highest against the one that is scored lowest."""

    lowest: str
    highest: str
    width: Estimate
    """Difference of their means of score less label; interval by bootstrap over each one's faces."""
    by_chance: float
    """Mean of the widest gap when faces are dealt into the groups at random."""
    chance: float
    """Share of those deals in which the gap is as wide or wider."""


def own_bias(measured: Measured, resamples: int = 1000) -> Estimate:
    """Return the standard deviation over faces of a face's mean of score less label."""
    errors = error_by_face(measured)
    drawn = [float(np.std(errors[faces])) for faces in group_draws(len(errors), resamples)]
    return interval(float(np.std(errors)), drawn)


def widest_gap(errors: Floats, groups: Names, resamples: int = 1000) -> Gap | None:
    """Return the gap between groups of faces with `MIN_GROUP` or more; None with fewer than two such.

    Args:
        errors: (f,), mean of score less label of each face.
        groups: (f,), the group of each.
        resamples: of the bootstrap, and deals of chance.
    """
    names, counts = np.unique(groups, return_counts=True)
    kept = [str(name) for name, count in zip(names, counts, strict=True) if count >= MIN_GROUP]
    if len(kept) < 2:
        return None
    means = {name: float(errors[groups == name].mean()) for name in kept}
    lowest, highest = min(kept, key=means.__getitem__), max(kept, key=means.__getitem__)
    low, high = errors[groups == lowest], errors[groups == highest]
    rng = np.random.default_rng(0)
    drawn = [
        float(rng.choice(high, len(high)).mean() - rng.choice(low, len(low)).mean()) for _ in range(resamples)
    ]
    compared = np.isin(groups, kept)
    number = np.searchsorted(kept, groups[compared])
    faces = np.bincount(number)
    dealt = np.array(
        [np.ptp(np.bincount(number, rng.permutation(errors[compared])) / faces) for _ in range(resamples)]
    )
    width = means[highest] - means[lowest]
    return Gap(lowest, highest, interval(width, drawn), float(dealt.mean()), float((dealt >= width).mean()))
