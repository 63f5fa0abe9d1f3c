"""Write the tables of docs/evaluation.md from what `evaluate` left of each shipped student."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.marked import put_marked
from facegauge_training.evaluation.page.calls import calls, one_crop, stream
from facegauge_training.evaluation.page.causes import causes, costs
from facegauge_training.evaluation.page.cells import Figures
from facegauge_training.evaluation.page.faces import beyond, gaps, groups, own_bias
from facegauge_training.evaluation.page.ladder import (
    agreement,
    families,
    sizes,
    spread,
    targets,
)

__all__ = ["TABLES", "figures_file", "read_figures", "write_tables"]

TABLES: dict[str, Callable[[list[Figures]], str]] = {
    "targets": targets,
    "agreement": agreement,
    "families": families,
    "calls": calls,
    "causes": causes,
    "costs": costs,
    "one-crop": one_crop,
    "stream": stream,
    "beyond": beyond,
    "own-bias": own_bias,
    "groups": groups,
    "gaps": gaps,
    "spread": spread,
    "sizes": sizes,
}
"""Mark in the page -> what is written there."""


def figures_file(cache: Path, name: str) -> Path:
    """Return the file in which `evaluate` leaves the figures of a model of some name."""
    return cache / "evaluations" / f"{name}.json"


def read_figures(cache: Path, models: list[Path]) -> list[Figures]:
    """Return what `evaluate` left of models.

    Raises:
        RecipeError: a model was not evaluated, or another file of that name was.
    """
    students = []
    for model in models:
        path = figures_file(cache, model.parent.name)
        figures = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if not figures or figures["model"]["sha256"] != hashlib.sha256(model.read_bytes()).hexdigest():
            raise RecipeError(
                f"{model} has not been evaluated as it is: run `facegauge-train evaluate --model {model} "
                "--report REPORT.html --faces FACES`."
            )
        students.append(figures)
    return students


def write_tables(page: Path, students: list[Figures]) -> None:
    """Write every table between its marks.

    Raises:
        RecipeError: the page or a mark is missing.
    """
    put_marked(page, {name: write(students) for name, write in TABLES.items()})
