"""Print how far the cheap measure of a cause, all but one, is off the mean over all orders (Shapley).

    facegauge-train compare-gains --store ~/.cache/facegauge/causes-1

Only crops with two or three causes, near faces and no filters: with one cause both measures are the same.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from facegauge_training.data.causes import CAUSES, causes_of
from facegauge_training.data.crop_set import CropSet, chain_of

__all__ = ["compare"]

WEIGHTY = 0.1
"""A largest cause that costs less is not worth naming."""


def compare(crops: CropSet) -> dict[int, dict[str, float]]:
    """Return, by number of causes, how all-but-one differs from Shapley on crops of a store.

    Returns:
        `crops`; `lost`, the mean quality that all causes together cost, which the shares add up to; `alone`,
        the mean sum of the gains of one cause alone; `mean_error` and `p95_error` of a cause's gain; `srocc`
        over all causes; and `first_agrees`, how often both name the same cause first where it costs
        `WEIGHTY` or more (with two causes always, as both measures differ by the same).
    """
    counts = np.array([len(causes_of(chain_of(row))) for row in crops.rows])
    plain = np.array(["" not in row.get("without", {}) for row in crops.rows])
    usable = plain & ~crops.far & np.isfinite(crops.shares).all(axis=1)
    results = {}
    for count in (2, 3):
        chosen = np.flatnonzero(usable & (counts == count))
        if not len(chosen):
            continue
        alone, shared = crops.gains[chosen], crops.shares[chosen]
        there = np.array([[cause in causes_of(chain_of(crops.rows[i])) for cause in CAUSES] for i in chosen])
        errors = np.abs(alone - shared)[there]
        weighty = shared.max(axis=1) >= WEIGHTY
        first = (alone.argmax(axis=1) == shared.argmax(axis=1))[weighty]
        results[count] = {
            "crops": len(chosen),
            "lost": float(shared.sum(axis=1).mean()),
            "alone": float(alone.sum(axis=1).mean()),
            "mean_error": float(errors.mean()),
            "p95_error": float(np.percentile(errors, 95)),
            "srocc": float(spearmanr(alone[there], shared[there])[0]),
            "first_agrees": float(first.mean()) if len(first) else float("nan"),
        }
    return results
