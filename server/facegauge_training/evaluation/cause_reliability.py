"""How far the name of a cause can be relied on, and whether its cost means what it says.

The server names the cause that costs most, where it costs `NAMED_FROM` or more. On the ladder of mixed causes
it is known what each one costs: how often is the named one the one that truly costs most, by name, by how
large the named cost is, and by how far the second is behind; and how much would truly come back without it.
Intervals: 95%, bootstrap over faces.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from facegauge_training.common.metrics import bootstrap
from facegauge_training.data.causes import CAUSES
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.cause_agreement import NAMED_FROM

__all__ = ["cause_reliability"]

Floats = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]
COSTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.01)
"""Edges of the ranges of the named cost."""
LEADS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 1.01)
"""Edges of the ranges of the named cost less the second largest."""
FEWEST = 20
"""Crops that a share needs."""
NOTHING = 0.05
"""A crop none of whose causes costs so much has nothing that should be named."""


def cause_reliability(predicted: Floats, crops: CropSet, resamples: int = 500) -> dict[str, Any]:
    """Return how far to trust what a student with causes names, for its causes (n, 6) of a store's crops."""
    gains = crops.gains.astype(np.float64)
    known = ~np.isnan(gains).any(axis=1)
    predicted, gains = predicted[known], gains[known]
    faces = np.array([str(row["key"]) for row in crops.rows])[known]
    named, largest = predicted.argmax(axis=1), gains.argmax(axis=1)
    ordered = np.sort(predicted, axis=1)
    cost, lead = ordered[:, -1], ordered[:, -1] - ordered[:, -2]
    is_named = cost >= NAMED_FROM
    measured = np.take_along_axis(gains, named[:, None], axis=1)[:, 0]
    table = _Table(faces, named == largest, cost, measured, resamples)
    harmless = gains.max(axis=1) < NOTHING
    return {
        "crops": len(gains),
        "named": table.line(is_named),
        "by_cause": {cause: table.line(is_named & (named == n)) for n, cause in enumerate(CAUSES)},
        "by_cost": table.ranges(is_named, cost, COSTS),
        "by_lead": table.ranges(is_named, lead, LEADS),
        "harmless_crops": int(harmless.sum()),
        "harmless_named": int((harmless & is_named).sum()),
        "calibration_error": table.calibration_error(is_named),
    }


class _Table:
    """Figures of any part of the crops."""

    def __init__(
        self,
        faces: npt.NDArray[np.str_],
        is_right: Chosen,
        cost: Floats,
        measured: Floats,
        resamples: int,
    ) -> None:
        self._faces, self._is_right = faces, is_right
        self._cost, self._measured = cost, measured
        self._resamples = resamples

    def line(self, where: Chosen) -> dict[str, Any]:
        """Return how often the name is right there, and the mean of its cost as named and as measured."""
        right, named, measured = (a[where] for a in (self._is_right, self._cost, self._measured))
        if len(right) < FEWEST:
            return {"crops": len(right)}
        low, high = bootstrap(
            self._faces[where],
            lambda chosen: (float(right[chosen].mean()), float(measured[chosen].mean())),
            self._resamples,
        )
        return {
            "crops": len(right),
            "right": _estimate(float(right.mean()), low[0], high[0]),
            "named_cost": round(float(named.mean()), 4),
            "measured_cost": _estimate(float(measured.mean()), low[1], high[1]),
            "mae": round(float(np.abs(named - measured).mean()), 4),
        }

    def ranges(self, where: Chosen, values: Floats, edges: tuple[float, ...]) -> list[dict[str, Any]]:
        """Return a line for each range of some values."""
        return [
            {"from": low, "to": min(high, 1.0)} | self.line(where & (values >= low) & (values < high))
            for low, high in pairwise(edges)
        ]

    def calibration_error(self, where: Chosen) -> float | None:
        """Return the mean of |named less measured cost| over ranges of the cost, weighted by their crops."""
        lines = [line for line in self.ranges(where, self._cost, COSTS) if "right" in line]
        if not lines:
            return None
        gaps = [abs(line["named_cost"] - line["measured_cost"]["value"]) for line in lines]
        return round(float(np.average(gaps, weights=[line["crops"] for line in lines])), 4)


def _estimate(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
