"""Make the report of a student from its scores of the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.agreement import agreement_sections, failure_sections
from facegauge_training.evaluation.report.beside import baseline_sections
from facegauge_training.evaluation.report.fairness import group_sections, size_section
from facegauge_training.evaluation.report.headline import Row
from facegauge_training.evaluation.report.measured import Measured
from facegauge_training.evaluation.report.page import Section, render
from facegauge_training.evaluation.report.sweep import Sweep

__all__ = ["build_report", "figures_of"]


def build_report(
    name: str,
    measured: Measured,
    crops: CropSet,
    sizes: Sweep | None,
    resamples: int = 1000,
    more: Sequence[Section] = (),
) -> tuple[str, list[Row]]:
    """Return the page as HTML, and the rows of the table of baselines.

    Args:
        name: of the student.
        measured: its scores, and the baselines', in the order of `crops`.
        crops: the ladder.
        sizes: its scores of the same faces at several sizes; left out if None.
        resamples: of the bootstrap of the baselines' table.
        more: sections on other crops than the ladder's, which come first.

    Raises:
        RecipeError: there is too little to measure on.
    """
    beside, rows = baseline_sections(measured, resamples)
    sections = [
        *more,
        *beside,
        *agreement_sections(measured),
        *([size_section(sizes)] if sizes else []),
        *group_sections(measured, crops),
        *failure_sections(measured, crops),
    ]
    facts = (
        (
            f"{name} on the ladder of the val split: {len(measured.labels)} crops of "
            f"{len(set(measured.faces))} faces, from sources that were never trained on, at fixed steps of "
            "one defect."
        ),
        (
            "The label is VMAF/100 of the received face against its pristine source, not a person's "
            "opinion: agreement with it is agreement with VMAF. It shows people's faces: keep this file "
            "where the photos may be kept."
        ),
    )
    return render(f"{name}: how well it measures", facts, sections), rows


def figures_of(rows: list[Row]) -> dict[str, Any]:
    """Return the first table by method, as JSON holds it: each figure as value, low and high."""
    return {
        row.name: {figure: _rounded(asdict(estimate)) for figure, estimate in row.figures.items()}
        | ({"lead": _rounded(asdict(row.lead))} if row.lead else {})
        for row in rows
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}
