"""Whether a score means what it says, and how far from the label it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from facegauge_training.common.metrics import group_draws, members
from facegauge_training.evaluation.report.measured import (
    Estimate,
    Floats,
    Measured,
    Names,
    interval,
)

__all__ = [
    "Bin",
    "Interval",
    "calibration",
    "coverage_by",
    "expected_error",
    "interval_by_score",
    "prediction_interval",
]

WIDTH = 0.1
COVERAGE = 0.9
FEWEST = 20
"""Crops that a range of the score needs for an interval."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Crops whose scores lie within a tenth of each other."""

    low: float
    crops: int
    score: float
    """Mean."""
    label: Estimate
    """Mean."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the label of a crop lies, given its score: nine of ten do."""

    scores: Floats
    """(b,), middles of the ranges that hold enough crops."""
    low: Floats
    """(b,), label less score: the 5th percentile."""
    high: Floats
    """(b,), the 95th."""
    crops: tuple[int, ...]
    held: float
    """Share of the labels within the interval of faces that it was not made from: two halves, in turn."""
    held_by_range: Floats
    """(b,), the same by range of the score."""

    def as_json(self) -> dict[str, Any]:
        """Return it by range of the score, as JSON holds it."""
        return {
            "coverage": COVERAGE,
            "held_out_coverage": _rounded(self.held),
            "mean_width": _rounded(float(np.average(self.high - self.low, weights=self.crops))),
            "ranges": [
                {
                    "score": _rounded(float(score)),
                    "crops": crops,
                    "low": _rounded(float(low)),
                    "high": _rounded(float(high)),
                    "held_out_coverage": _rounded(float(held)),
                }
                for score, crops, low, high, held in zip(
                    self.scores, self.crops, self.low, self.high, self.held_by_range, strict=True
                )
            ],
        }


def calibration(measured: Measured, resamples: int = 300) -> list[Bin]:
    """Return the mean label of each tenth of the scores that holds 10 crops or more."""
    places = members(measured.faces)
    number = _range(measured.scores, WIDTH)
    bins = []
    for n in range(round(1 / WIDTH)):
        inside = number == n
        if inside.sum() < 10:
            continue
        sums = np.array([measured.labels[p][inside[p]].sum() for p in places])
        counts = np.array([inside[p].sum() for p in places])
        with np.errstate(invalid="ignore"):
            drawn = [float(sums[f].sum() / counts[f].sum()) for f in group_draws(len(places), resamples)]
        mean = interval(float(measured.labels[inside].mean()), drawn)
        bins.append(Bin(n * WIDTH, int(inside.sum()), float(measured.scores[inside].mean()), mean))
    return bins


def expected_error(bins: list[Bin]) -> float:
    """Return the expected calibration error: the mean of |label - score| over bins, weighted by crops."""
    weights = [b.crops for b in bins]
    return float(np.average([abs(b.label.value - b.score) for b in bins], weights=weights))


def prediction_interval(measured: Measured) -> Interval:
    """Return the 90% interval of the label around a score, by tenths of the score."""
    return interval_by_score(measured.scores, measured.labels, measured.faces)


def interval_by_score(scores: Floats, labels: Floats, groups: Names, width: float = WIDTH) -> Interval:
    """Return the 90% interval of labels (n,) around scores (n,), by ranges of the score.

    What it holds is measured on groups (n,), faces or videos, that it was not made from.
    """
    residuals, number = labels - scores, _range(scores, width)
    _, group = np.unique(groups, return_inverse=True)
    inside = np.full(len(scores), np.nan)
    for left_out in (0, 1):
        tested = group % 2 == left_out
        made, _ = _quantiles(residuals[~tested], number[~tested])
        limits = [made.get(int(n), (np.nan, np.nan)) for n in number[tested]]
        low, high = np.array(limits).reshape(-1, 2).T
        is_inside = (residuals[tested] >= low) & (residuals[tested] <= high)
        inside[tested] = np.where(np.isfinite(low), is_inside, np.nan)
    found, crops = _quantiles(residuals, number)
    low, high = np.array([found[n] for n in sorted(found)]).reshape(-1, 2).T
    return Interval(
        scores=(np.array(sorted(found)) + 0.5) * width,
        low=low,
        high=high,
        crops=tuple(crops[n] for n in sorted(found)),
        held=_share(inside),
        held_by_range=np.array([_share(inside[number == n]) for n in sorted(found)]),
    )


def coverage_by(measured: Measured, groups: Names) -> dict[str, float]:
    """Return the share of each group's labels that the interval made from all other groups holds."""
    residuals, number = measured.labels - measured.scores, _range(measured.scores, WIDTH)
    held = {}
    for name in sorted(set(groups.tolist())):
        tested = groups == name
        made, _ = _quantiles(residuals[~tested], number[~tested])
        limits = [made.get(int(n), (-1.0, 1.0)) for n in number[tested]]
        low, high = np.array(limits).T
        held[name] = float(((residuals[tested] >= low) & (residuals[tested] <= high)).mean())
    return held


def _share(inside: Floats) -> float:
    known = np.isfinite(inside)
    return float(inside[known].mean()) if known.any() else float("nan")


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def _quantiles(residuals: Floats, number: Floats) -> tuple[dict[int, tuple[float, float]], dict[int, int]]:
    found, crops = {}, {}
    for n in sorted({int(value) for value in number}):
        inside = residuals[number == n]
        if len(inside) >= FEWEST:
            low, high = np.quantile(inside, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
            found[n], crops[n] = (float(low), float(high)), len(inside)
    return found, crops


def _range(scores: Floats, width: float) -> Floats:
    return np.clip(np.floor(scores / width), 0, round(1 / width) - 1)
