"""Whether the student is as good for some faces as for others.

Every face goes through the same steps of the ladder, so groups of faces differ by their faces alone, and the
mean of score less label may be compared between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegauge_training.common.metrics import group_draws, members
from facegauge_training.evaluation.report.headline import srocc
from facegauge_training.evaluation.report.measured import (
    Estimate,
    Floats,
    Measured,
    Names,
    interval,
)

__all__ = ["Group", "by_group", "cut_into", "error_by_face", "sorted_by", "trend"]


@dataclass(frozen=True, slots=True)
class Group:
    """Crops that have something in common."""

    name: str
    faces: int
    crops: int
    bias: Estimate
    """Mean of score less label."""
    rmse: float
    srocc: float


def by_group(measured: Measured, names: Names, resamples: int = 500) -> list[Group]:
    """Return the figures of each group of crops; `names` (n,) says which, in the order of the report."""
    found = []
    error = measured.scores - measured.labels
    for name in dict.fromkeys(names.tolist()):
        where = names == name
        places = members(measured.faces[where])
        sums = np.array([error[where][p].sum() for p in places])
        counts = np.array([len(p) for p in places])
        drawn = [float(sums[f].sum() / counts[f].sum()) for f in group_draws(len(places), resamples)]
        if len(places) < 3:  # a bootstrap over one or two faces says nothing
            drawn = []
        found.append(
            Group(
                str(name),
                len(places),
                int(where.sum()),
                interval(float(error[where].mean()), drawn),
                float(np.sqrt(np.mean(error[where] ** 2))),
                srocc(measured.scores[where], measured.labels[where]),
            )
        )
    return found


def cut_into(values: Floats, edges: tuple[float, ...], names: tuple[str, ...]) -> Names:
    """Return the name of the range that each value (n,) lies in; one name more than edges."""
    return np.array(names)[np.digitize(values, edges)]


def error_by_face(measured: Measured) -> Floats:
    """Return the mean of score less label of each face, in the order of their names."""
    error = measured.scores - measured.labels
    return np.array([error[p].mean() for p in members(measured.faces)])


def trend(values: Floats, errors: Floats, resamples: int = 500) -> Estimate:
    """Return Spearman's correlation of what faces are like (f,) with their errors (f,)."""
    known = np.isfinite(values)
    values, errors = values[known], errors[known]
    drawn = [srocc(values[f], errors[f]) for f in group_draws(len(values), resamples)]
    return interval(srocc(values, errors), drawn)


def sorted_by(groups: list[Group], order: tuple[str, ...]) -> list[Group]:
    """Return the groups in the order of their names in `order`."""
    return sorted(groups, key=lambda group: order.index(group.name))
