"""Sections of the page on whether the score treats faces alike: by size, brightness, skin tone and source."""

from __future__ import annotations

import numpy as np

from facegauge_training.common.metrics import members
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.faces import TONE_EDGES, TONES, brightness, typology_angle
from facegauge_training.evaluation.report.groups import (
    Group,
    by_group,
    cut_into,
    error_by_face,
    sorted_by,
    trend,
)
from facegauge_training.evaluation.report.measured import Floats, Measured, Names, in_words
from facegauge_training.evaluation.report.page import Section, Table
from facegauge_training.evaluation.report.plots_of_faces import plot_faces, plot_groups, plot_sweep
from facegauge_training.evaluation.report.sweep import NOTICEABLE, SIZES, Sweep, losses

__all__ = ["group_sections", "size_section"]

HEIGHTS = (200.0, 260.0, 330.0)
HEIGHT_NAMES = ("under 200 px", "200 to 260 px", "260 to 330 px", "over 330 px")
LUMA = (70.0, 100.0, 130.0)
LUMA_NAMES = ("under 70", "70 to 100", "100 to 130", "over 130")
SKIN_NAMES = (*TONES, "skin not found")


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
    """Return the sections that compare groups of faces; `crops` in the order of `measured`."""
    first = {str(measured.faces[i]): int(i) for i in np.flatnonzero(measured.family == "pristine")}
    names = np.unique(measured.faces)
    light = np.array([brightness(crops[first[str(name)]]) for name in names])
    angle = np.array([typology_angle(crops[first[str(name)]]) for name in names])
    height = np.array([float(crops.rows[first[str(name)]].get("face_height", np.nan)) for name in names])
    tones = np.where(np.isfinite(angle), cut_into(angle, TONE_EDGES, TONES), "skin not found")
    sources = np.array([str(row["source"]) for row in crops.rows])
    return [
        _section(
            measured, "By size in the frame", height, cut_into(height, HEIGHTS, HEIGHT_NAMES), HEIGHT_NAMES,
            "height of the face's box at 720 lines, px",
            "Faces of the ladder by how high they are in the frame.",
        ),
        _section(
            measured, "By brightness", light, cut_into(light, LUMA, LUMA_NAMES), LUMA_NAMES,
            "mean luma of the pristine crop, 0-255",
            "Faces by how bright their pristine crop is. What darkening does to one face is in the family "
            "'darkness' above.",
        ),
        _section(
            measured, "By skin tone", angle, tones, SKIN_NAMES,
            "individual typology angle of the pristine crop, degrees",
            "Faces by the individual typology angle, atan((L* - 50) / b*), of the skin in their pristine "
            "crop, in the classes of Chardon et al. (1991). Light and white balance move the angle, so it "
            "says how light the skin is in this picture, not what a person's skin is. No source of these "
            "photos states sex or age, so they are not compared.",
        ),
        _by_source(measured, sources),
    ]  # fmt: skip


def _section(
    measured: Measured,
    title: str,
    values: Floats,
    of_face: Names,
    order: tuple[str, ...],
    axis: str,
    shows: str,
) -> Section:
    """Compare groups of faces, given by face in the order of their names, on crops with plain labels."""
    plain = measured.chosen(measured.plain)
    errors = error_by_face(plain)
    of_crop = np.empty(len(plain.labels), dtype=of_face.dtype)
    for name, places in zip(of_face, members(plain.faces), strict=True):
        of_crop[places] = name
    groups = sorted_by(by_group(plain, of_crop), order)
    correlation = trend(values, errors)
    return Section(
        title,
        f"{shows} Every face has the same steps; plain labels alone.",
        "A group whose mean error is off 0, or off another group's, by more than the intervals: the same "
        "call would be scored differently for different people.",
        f"{_widest(groups)} Over faces, the error's rank correlation with the {axis.split(',')[0]} is "
        f"{in_words(correlation, signed=True)}.",
        (plot_groups(groups), plot_faces(values, errors, axis)),
        (_table(groups),),
    )


def _by_source(measured: Measured, sources: Names) -> Section:
    groups = by_group(measured.chosen(measured.plain), sources[measured.plain])
    return Section(
        "By source",
        "Collections that the photos come from, none of which was trained on; plain labels alone.",
        "One collection far from the others: what was learnt is a collection's looks.",
        _widest(groups),
        (plot_groups(groups),),
        (_table(groups),),
    )


def _widest(groups: list[Group]) -> str:
    """Say how far apart the groups with enough faces to have an interval are."""
    known = [group for group in groups if group.faces >= 5]
    if len(known) < 2:
        return "Too few faces in all groups but one to compare them."
    low, high = min(known, key=lambda g: g.bias.value), max(known, key=lambda g: g.bias.value)
    return (
        f"Of groups with 5 faces or more, the mean error is lowest for '{low.name}', "
        f"{in_words(low.bias, signed=True)}, and highest for '{high.name}', "
        f"{in_words(high.bias, signed=True)}."
    )


def _table(groups: list[Group]) -> Table:
    lines = tuple(
        (
            group.name,
            str(group.faces),
            str(group.crops),
            in_words(group.bias, signed=True),
            f"{group.rmse:.3f}",
            f"{group.srocc:.3f}",
        )
        for group in groups
    )
    return Table("Groups", ("group", "faces", "crops", "mean of score less label", "RMSE", "SROCC"), lines)
