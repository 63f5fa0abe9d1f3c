"""Whether a score means what it says, and how far from the label it may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegauge_training.common.metrics import group_draws, members
from facegauge_training.evaluation.report.measured import (
    Estimate,
    Floats,
    Measured,
    interval,
)

__all__ = ["Bin", "Interval", "calibration", "expected_error", "prediction_interval"]

WIDTH = 0.1
COVERAGE = 0.9


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
    """Where the label of a crop lies, given its score."""

    scores: Floats
    """(b,), middles of the tenths that hold enough crops."""
    low: Floats
    """(b,), label less score: the 5th percentile."""
    high: Floats
    """(b,), the 95th."""
    crops: tuple[int, ...]
    held: float
    """Share of the labels within the interval of faces that it was not made from: two halves, in turn."""


def calibration(measured: Measured, resamples: int = 300) -> list[Bin]:
    """Return the mean label of each tenth of the scores that holds 10 crops or more."""
    places = members(measured.faces)
    number = _tenth(measured.scores)
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
    """Return the 90% interval of the label around a score, by tenths of the score.

    What it holds is measured on the faces that it was not made from.
    """
    residuals = measured.labels - measured.scores
    number = _tenth(measured.scores)
    _, face = np.unique(measured.faces, return_inverse=True)
    half = face % 2
    held = []
    for left_out in (0, 1):
        made, _ = _quantiles(residuals[half != left_out], number[half != left_out])
        tested = half == left_out
        limits = [made.get(int(n), (np.nan, np.nan)) for n in number[tested]]
        low, high = np.array(limits).T
        known = np.isfinite(low)
        inside = (residuals[tested] >= low) & (residuals[tested] <= high)
        held.append(float(inside[known].mean()) if known.any() else float("nan"))
    found, crops = _quantiles(residuals, number)
    low, high = np.array([found[n] for n in sorted(found)]).reshape(-1, 2).T
    middles = (np.array(sorted(found)) + 0.5) * WIDTH
    return Interval(middles, low, high, tuple(crops[n] for n in sorted(found)), float(np.mean(held)))


def _quantiles(residuals: Floats, number: Floats) -> tuple[dict[int, tuple[float, float]], dict[int, int]]:
    found, crops = {}, {}
    for n in range(round(1 / WIDTH)):
        inside = residuals[number == n]
        if len(inside) >= 20:
            low, high = np.quantile(inside, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
            found[n], crops[n] = (float(low), float(high)), len(inside)
    return found, crops


def _tenth(scores: Floats) -> Floats:
    return np.clip(np.floor(scores / WIDTH), 0, round(1 / WIDTH) - 1)
