"""The student beside the baselines on the same crops, each with 95% intervals by bootstrap over faces.

A baseline counts defects on a scale of its own: SROCC and the shares of pairs in order do not mind, PLCC and
RMSE are also given after the customary logistic curve of four parameters, which is fitted to all crops once.
Every resample draws the same faces for all, so a lead's interval is that of a paired difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from facegauge_training.common.metrics import PAIR_GAP, group_draws, logistic_fit, members
from facegauge_training.data.ladder import ANCHORED, LADDER
from facegauge_training.evaluation.report.measured import (
    Estimate,
    Floats,
    Measured,
    interval,
)

__all__ = ["FIGURES", "Row", "families", "headline", "srocc"]

FIGURES = ("srocc", "plcc", "plcc_fitted", "rmse", "rmse_fitted", "two_apart", "neighbours")
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Row:
    """One method's figures."""

    name: str
    figures: dict[str, Estimate]
    """Name in `FIGURES` -> figure; `rmse` means nothing off the label's scale, 0-1."""
    lead: Estimate | None
    """SROCC of the student less this one's; None for the student."""


def headline(measured: Measured, resamples: int = 1000) -> list[Row]:
    """Return the student's row, then the baselines', best SROCC first; noise and darkness are left out."""
    plain = measured.chosen(measured.plain)
    places = members(plain.faces)
    pairs = _pairs(plain, places)
    figures = {name: _Figures(scores, plain, pairs) for name, scores in plain.methods.items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in figures}
    for faces in group_draws(len(places), resamples):
        crops = np.concatenate([places[n] for n in faces])
        for name, method in figures.items():
            drawn[name].append(method.of(crops, faces))
    everything = np.arange(len(plain.labels)), np.arange(len(places))
    student = np.array(drawn["student"])[:, 0]
    rows = []
    for name, method in figures.items():
        values, resampled = method.of(*everything), np.array(drawn[name])
        estimates = {figure: interval(float(values[i]), resampled[:, i]) for i, figure in enumerate(FIGURES)}
        ahead = float(figures["student"].of(*everything)[0] - values[0])
        lead = None if name == "student" else interval(ahead, student - resampled[:, 0])
        rows.append(Row(name, estimates, lead))
    return [rows[0], *sorted(rows[1:], key=lambda row: -row.figures["srocc"].value)]


def families(measured: Measured) -> dict[str, dict[str, float]]:
    """Return SROCC by family (with the pristine crops) and method."""
    found = {}
    for family in LADDER:
        if family != "pristine":
            where = np.isin(measured.family, (family, "pristine"))
            labels = measured.labels[where]
            found[family] = {name: srocc(scores[where], labels) for name, scores in measured.methods.items()}
    return found


def srocc(scores: Floats, labels: Floats) -> float:
    """Return Spearman's rank correlation; NaN if either is constant."""
    return _pearson(rankdata(scores), rankdata(labels))


class _Figures:
    """The figures of one method, for any faces."""

    def __init__(self, scores: Floats, measured: Measured, pairs: tuple[Indices, Indices, Floats]) -> None:
        self._scores, self._labels = scores, measured.labels
        self._fitted = logistic_fit(scores, measured.labels)(scores)
        a, b, counts = pairs
        right = (measured.labels[a] - measured.labels[b]) * (scores[a] - scores[b]) > 0
        self._counts = counts.sum(axis=2)  # (2, faces)
        self._right = (counts * right).sum(axis=2)

    def of(self, crops: Indices, faces: Indices) -> Floats:
        """Return `FIGURES` (7,) of crops, by place, of faces, by number."""
        scores, fitted, labels = self._scores[crops], self._fitted[crops], self._labels[crops]
        with np.errstate(invalid="ignore"):
            ordered = self._right[:, faces].sum(axis=1) / self._counts[:, faces].sum(axis=1)
        return np.array(
            [
                srocc(scores, labels),
                _pearson(scores, labels),
                _pearson(fitted, labels),
                np.sqrt(np.mean((scores - labels) ** 2)),
                np.sqrt(np.mean((fitted - labels) ** 2)),
                *ordered,
            ]
        )


def _pairs(measured: Measured, places: list[Indices]) -> tuple[Indices, Indices, Floats]:
    """Return the crops a and b of each pair (p,), and to what it counts: (two apart or neighbours, face, p).

    As in `metrics.ordered_pairs`: of one face within a family, labels `PAIR_GAP` or more apart.
    """
    found: list[tuple[int, int, int, int]] = []
    for face, crops in enumerate(places):
        for family in LADDER:
            if family in ("pristine", *ANCHORED):
                continue
            steps = [i for i in crops if measured.family[i] in (family, "pristine")]
            for a, b in combinations(steps, 2):
                if abs(measured.labels[a] - measured.labels[b]) >= PAIR_GAP:
                    near = abs(int(measured.step[a]) - int(measured.step[b])) < 2
                    found.append((a, b, int(near), face))
    first, second, kind, number = np.array(found, np.intp).reshape(-1, 4).T
    counts = np.zeros((2, len(places), len(found)), np.float64)
    counts[kind, number, np.arange(len(found))] = 1
    return first, second, counts


def _pearson(x: Floats, y: Floats) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
