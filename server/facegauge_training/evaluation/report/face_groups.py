"""The ways in which faces of the ladder are put into groups: size, brightness, skin tone, source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegauge_training.common.metrics import members
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.faces import TONE_EDGES, TONES, brightness, typology_angle
from facegauge_training.evaluation.report.gaps import Gap, widest_gap
from facegauge_training.evaluation.report.groups import (
    Group,
    by_group,
    cut_into,
    error_by_face,
    sorted_by,
    trend,
)
from facegauge_training.evaluation.report.measured import Estimate, Floats, Measured, Names

__all__ = ["Compared", "Grouping", "compare_groups", "groupings"]

HEIGHTS = (200.0, 260.0, 330.0)
HEIGHT_NAMES = ("under 200 px", "200 to 260 px", "260 to 330 px", "over 330 px")
LUMA = (70.0, 100.0, 130.0)
LUMA_NAMES = ("under 70", "70 to 100", "100 to 130", "over 130")
SKIN_NAMES = (*TONES, "skin not found")


@dataclass(frozen=True, slots=True)
class Grouping:
    """Faces in groups, in the order of their names."""

    name: str
    of_face: Names
    """(f,)."""
    order: tuple[str, ...]
    values: Floats | None = None
    """(f,), what the groups are cut from; None where they are no ranges."""
    axis: str = ""
    """What the values are."""
    shows: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """How a student treats groups of faces, on crops with plain labels."""

    groups: list[Group]
    errors: Floats
    """(f,), mean of score less label of each face."""
    gap: Gap | None
    trend: Estimate | None
    """Rank correlation of a face's error with what its group is cut from."""


def groupings(measured: Measured, crops: CropSet) -> list[Grouping]:
    """Return every grouping; `crops` in the order of `measured`."""
    first = {str(measured.faces[i]): int(i) for i in np.flatnonzero(measured.family == "pristine")}
    untouched = [first[str(name)] for name in np.unique(measured.faces)]
    light = np.array([brightness(crops[i]) for i in untouched])
    angle = np.array([typology_angle(crops[i]) for i in untouched])
    height = np.array([float(crops.rows[i].get("face_height", np.nan)) for i in untouched])
    source = np.array([str(crops.rows[i]["source"]) for i in untouched])
    tones = np.where(np.isfinite(angle), cut_into(angle, TONE_EDGES, TONES), SKIN_NAMES[-1])
    return [
        Grouping(
            "size in the frame",
            cut_into(height, HEIGHTS, HEIGHT_NAMES),
            HEIGHT_NAMES,
            height,
            "height of the face's box at 720 lines, px",
            "Faces of the ladder by how high they are in the frame.",
        ),
        Grouping(
            "brightness",
            cut_into(light, LUMA, LUMA_NAMES),
            LUMA_NAMES,
            light,
            "mean luma of the pristine crop, 0-255",
            "Faces by how bright their pristine crop is. What darkening does to one face is in the family "
            "'darkness' above.",
        ),
        Grouping(
            "skin tone",
            tones,
            SKIN_NAMES,
            angle,
            "individual typology angle of the pristine crop, degrees",
            "Faces by the individual typology angle, atan((L* - 50) / b*), of the skin in their pristine "
            "crop, in the classes of Chardon et al. (1991). Light and white balance move the angle, so it "
            "says how light the skin is in this picture, not what a person's skin is. No source of these "
            "photos states sex or age, so they are not compared.",
        ),
        Grouping(
            "source",
            source,
            tuple(sorted(set(source.tolist()))),
            shows="Collections that the photos come from, none of which was trained on.",
        ),
    ]


def compare_groups(measured: Measured, grouping: Grouping) -> Compared:
    """Return how a student treats the groups of a grouping."""
    plain = measured.chosen(measured.plain)
    errors = error_by_face(plain)
    of_crop = np.empty(len(plain.labels), dtype=grouping.of_face.dtype)
    for name, places in zip(grouping.of_face, members(plain.faces), strict=True):
        of_crop[places] = name
    groups = sorted_by(by_group(plain, of_crop), grouping.order)
    if grouping.values is None:
        groups.sort(key=lambda group: -group.faces)
    return Compared(
        groups,
        errors,
        widest_gap(errors, grouping.of_face),
        None if grouping.values is None else trend(grouping.values, errors),
    )
