"""The order in which an epoch shows its rows: shuffled, each score band alike, or the tails twice.

Every order is a pure function of the scores and a generator, so that a resumed run draws the same one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["SAMPLERS", "shuffled", "stratified", "tails"]

Order = npt.NDArray[np.intp]
Scores = npt.NDArray[np.float32]


def shuffled(scores: Scores, rng: np.random.Generator) -> Order:
    """Return every row once."""
    return rng.permutation(len(scores))


def stratified(scores: Scores, rng: np.random.Generator, strata: int = 10) -> Order:
    """Return as many rows as there are, drawn with return: first a stratum, then a row of it (SSUS).

    ISeeCV's score-stratified uniform sampler (appendix B of the report). Strata are equal bands of 0-1;
    empty ones are left out. Their number is ours.
    """
    band = np.minimum((scores * strata).astype(int), strata - 1)
    by_band = np.argsort(band, kind="stable")
    _, starts, sizes = np.unique(band[by_band], return_index=True, return_counts=True)
    chosen = rng.integers(len(starts), size=len(scores))
    within = (rng.random(len(scores)) * sizes[chosen]).astype(int)
    return by_band[starts[chosen] + within]


def tails(scores: Scores, rng: np.random.Generator, low: float = 0.1, high: float = 0.9) -> Order:
    """Return every row once, and those below `low` or above `high` twice (RegNet, section 3.9)."""
    extreme = np.flatnonzero((scores < low) | (scores > high))
    return rng.permutation(np.concatenate([np.arange(len(scores)), extreme]))


SAMPLERS: dict[str, Callable[[Scores, np.random.Generator], Order]] = {
    "shuffled": shuffled,
    "stratified": stratified,
    "tails": tails,
}
"""Name that recipes use -> sampler."""
