"""Whether the student is as good for some faces as for others.

Every face goes through the same steps of the ladder, so groups of faces differ by their faces alone, and the
mean of score less label may be compared between them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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

__all__ = ["Group", "by_family", "by_group", "cut_into", "error_by_face", "sorted_by", "trend"]

LEAST_FACES = 3
"""A bootstrap over one or two faces says nothing."""
RANK_RESAMPLES = 200
"""Of the intervals of rank correlations, which take longest."""


@dataclass(frozen=True, slots=True)
class Group:
    """Crops that have something in common."""

    name: str
    faces: int
    crops: int
    bias: Estimate
    """Mean of score less label."""
    rmse: float
    srocc: Estimate


def by_group(measured: Measured, names: Names, resamples: int = 500) -> list[Group]:
    """Return the figures of each group of crops; `names` (n,) says which, in the order of the report."""
    found = []
    error = measured.scores - measured.labels
    for name in dict.fromkeys(names.tolist()):
        where = names == name
        scores, labels = measured.scores[where], measured.labels[where]
        places = members(measured.faces[where])
        sums = np.array([error[where][p].sum() for p in places])
        counts = np.array([len(p) for p in places])
        draws = group_draws(len(places), resamples if len(places) >= LEAST_FACES else 0)
        drawn, correlations = [], []
        for n, faces in enumerate(draws):
            drawn.append(float(sums[faces].sum() / counts[faces].sum()))
            if n < RANK_RESAMPLES:
                crops = np.concatenate([places[face] for face in faces])
                correlations.append(srocc(scores[crops], labels[crops]))
        found.append(
            Group(
                str(name),
                len(places),
                int(where.sum()),
                interval(float(error[where].mean()), drawn),
                float(np.sqrt(np.mean(error[where] ** 2))),
                interval(srocc(scores, labels), correlations),
            )
        )
    return found


def by_family(measured: Measured, resamples: int = 500) -> list[Group]:
    """Return the figures of each family; its SROCC is with the pristine crops, which alone have no order."""
    index, names = [], []
    for family in dict.fromkeys(measured.family.tolist()):
        chosen = np.flatnonzero(np.isin(measured.family, (family, "pristine")))
        index.append(chosen)
        names += [family] * len(chosen)
    at = np.concatenate(index)
    repeated = Measured(
        measured.labels[at], measured.scores[at], measured.faces[at], measured.family[at], measured.step[at]
    )
    with_pristine = {group.name: group for group in by_group(repeated, np.array(names), resamples)}
    return [
        replace(group, srocc=with_pristine[group.name].srocc)
        for group in by_group(measured, measured.family, resamples)
        if group.name != "pristine"
    ]


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
