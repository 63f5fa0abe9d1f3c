"""Measure how well a student says why: on the ladder of the val split whose steps mix causes.

For each cause, over crops in which it was present: Spearman's correlation and the mean absolute error of what
would come back without it. And how often the cause that costs most is named first, where it costs 0.1 or
more. A good picture must have no cause: pristine crops with a cost of `NAMED_FROM` or more are counted too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from facegauge_training.common.metrics import cause_metrics
from facegauge_training.data.causes import CAUSES, causes_of
from facegauge_training.data.crop_set import CropSet, chain_of
from facegauge_training.data.degradation_chain import Chain

__all__ = ["NAMED_FROM", "agreement_by_cause"]

NAMED_FROM = 0.1
"""The cost from which on a cause is named."""
FEWEST = 20
"""Crops that a correlation needs."""

Floats = npt.NDArray[np.float64]


def agreement_by_cause(predicted: Floats, crops: CropSet) -> dict[str, Any]:
    """Return the figures by cause and over all, for the student's causes (n, 6) of a store's crops."""
    gains = crops.gains.astype(np.float64)
    known = ~np.isnan(gains).any(axis=1)
    present = [causes_of(chain_of(row)) for row in crops.rows]
    pristine = np.array([chain_of(row) == Chain() for row in crops.rows])
    figures: dict[str, Any] = {
        "crops": int(known.sum()),
        **{
            name: round(value, 4)
            for name, value in cause_metrics(predicted, gains).items()
            if value is not None
        },
        "pristine_crops": int(pristine.sum()),
        "pristine_with_a_cause": int((predicted[pristine].max(axis=1, initial=0.0) >= NAMED_FROM).sum()),
    }
    by_cause: dict[str, Any] = {}
    for n, cause in enumerate(CAUSES):
        there = known & np.array([cause in causes for causes in present])
        if there.sum() < FEWEST:
            continue
        ours, theirs = predicted[there, n], gains[there, n]
        largest = gains[there].argmax(axis=1) == n
        costly = largest & (theirs >= NAMED_FROM)
        named = predicted[there][costly].argmax(axis=1) == n
        by_cause[cause] = {
            "crops": int(there.sum()),
            "srocc": round(float(spearmanr(ours, theirs)[0]), 3) if np.ptp(ours) and np.ptp(theirs) else None,
            "mae": round(float(np.abs(ours - theirs).mean()), 3),
            "costs_most": int(costly.sum()),
            "named_first": round(float(named.mean()), 3) if costly.any() else None,
        }
    return figures | {"by_cause": by_cause}
