"""Sections of the page on whether the score treats faces alike: by size, brightness, skin tone and source."""

from __future__ import annotations

import numpy as np

from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.face_groups import Compared, Grouping, compare_groups, groupings
from facegauge_training.evaluation.report.gaps import MIN_GROUP, own_bias
from facegauge_training.evaluation.report.groups import Group, error_by_face
from facegauge_training.evaluation.report.measured import Measured, in_words
from facegauge_training.evaluation.report.page import Section, Table
from facegauge_training.evaluation.report.plots_of_faces import (
    plot_faces,
    plot_groups,
    plot_own_bias,
    plot_sweep,
)
from facegauge_training.evaluation.report.sweep import NOTICEABLE, SIZES, Sweep, losses

__all__ = ["group_sections", "size_section"]

NEAR = 0.1
"""Bias of a face that still is called near."""


def size_section(measured: Sweep) -> Section:
    """Return what becomes of the score as one face loses its pixels."""
    found = losses(measured)
    lines = tuple(
        (
            f"{loss.larger} to {loss.smaller} px",
            str(loss.faces),
            str(loss.risen),
            str(loss.noticeably),
            f"{loss.worst:+.3f}",
            f"{loss.mean:+.3f}",
        )
        for loss in found
    )
    header = ("from, to", "faces", "risen", f"by over {NOTICEABLE}", "largest change upwards", "mean change")
    steps = found[: len(SIZES) - 1]
    risen, noticeably = sum(loss.risen for loss in steps), sum(loss.noticeably for loss in steps)
    most = max((loss.worst for loss in steps), default=0.0)
    faces = int(np.isfinite(measured.scores).any(axis=1).sum())
    return Section(
        "The same face at fewer pixels",
        f"Photos of {faces} faces, reduced until the face's box has the height across and cropped as "
        "serving crops, without a codec and without enlarging: a photo takes part in the sizes that it has "
        "the pixels for. Grey: one face; blue: the mean from each size to the next, over the faces that "
        "have both.",
        "A line that rises to the left: pixels are lost and the score goes up.",
        f"Of {sum(loss.faces for loss in steps)} steps down to the next size {risen} raise the score at all, "
        f"{noticeably} of them by more than {NOTICEABLE}; the largest change upwards is {most:+.3f}.",
        (plot_sweep(measured),),
        (Table("Scores that rise as pixels are lost", header, lines),),
    )


def group_sections(measured: Measured, crops: CropSet) -> list[Section]:
    """Return the sections that compare faces; `crops` in the order of `measured`."""
    return [
        _own_bias(measured),
        *(_section(grouping, compare_groups(measured, grouping)) for grouping in groupings(measured, crops)),
    ]


def _own_bias(measured: Measured) -> Section:
    plain = measured.chosen(measured.plain)
    errors = error_by_face(plain)
    spread = own_bias(plain)
    within = float(np.mean(np.abs(errors) < NEAR))
    return Section(
        "A face's own bias",
        "Each face's mean of score less label over its steps, from the lowest to the highest: how much the "
        "score of a call depends on whose face it is. It stays the same throughout a call.",
        "A wide spread: one threshold for all calls means another quality for each person.",
        f"Standard deviation over {len(errors)} faces {in_words(spread)}; {within:.0%} lie within {NEAR}.",
        (plot_own_bias(errors),),
    )


def _section(grouping: Grouping, compared: Compared) -> Section:
    axis = grouping.axis.split(",")[0]
    follows = (
        f" Over faces, the error's rank correlation with the {axis} is "
        f"{in_words(compared.trend, signed=True)}."
        if compared.trend
        else ""
    )
    plots = [plot_groups(compared.groups)]
    if grouping.values is not None:
        plots.append(plot_faces(grouping.values, compared.errors, grouping.axis))
    return Section(
        f"By {grouping.name}",
        f"{grouping.shows} Every face has the same steps; plain labels alone.",
        "A group whose mean error is off 0, or off another group's, by more than the intervals and by more "
        "than chance: the same call would be scored differently for different people.",
        f"{_widest(compared)}{follows}",
        tuple(plots),
        (_table(compared.groups),),
    )


def _widest(compared: Compared) -> str:
    """Say how far apart the groups with enough faces are, and what chance makes of such groups."""
    gap = compared.gap
    if gap is None:
        return "Too few faces in all groups but one to compare them."
    return (
        f"Of groups with {MIN_GROUP} faces or more, '{gap.lowest}' is scored lowest and '{gap.highest}' "
        f"highest, {in_words(gap.width)} apart. The same faces dealt into such groups at random differ by "
        f"{gap.by_chance:.3f} in the mean, by as much as this in {gap.chance:.0%} of the deals."
    )


def _table(groups: list[Group]) -> Table:
    lines = tuple(
        (
            group.name,
            str(group.faces),
            str(group.crops),
            in_words(group.bias, signed=True),
            f"{group.rmse:.3f}",
            in_words(group.srocc),
        )
        for group in groups
    )
    return Table("Groups", ("group", "faces", "crops", "mean of score less label", "RMSE", "SROCC"), lines)
