"""Sections -> one HTML page that refers to nothing outside itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from facegauge_training.evaluation.report.failures import Failure
from facegauge_training.evaluation.report.plots import Plot

__all__ = ["Section", "Table", "render"]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first column holds names."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False
    """Whether all cells are text rather than figures."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page, in plain text: the page escapes it."""

    title: str
    shows: str
    bad: str
    """What would be bad."""
    verdict: str = ""
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    failures: tuple[Failure, ...] = ()
    side_by_side: bool = False
    """Whether the plots stand beside each other where the window is wide enough."""


def render(title: str, facts: tuple[str, ...], sections: list[Section]) -> str:
    """Return the page as HTML."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return templates.get_template("page.html").render(title=title, facts=facts, sections=sections)
