"""Cells and tables in Markdown, for the page that compares students' evaluations."""

from __future__ import annotations

from typing import Any

from facegauge_training.evaluation.report.causes_section import with_interval

__all__ = ["Figures", "estimate", "signed", "table", "title_of"]

Figures = dict[str, Any]
"""What `evaluate` wrote of one student."""


def title_of(figures: Figures) -> str:
    """Return a student's name and version."""
    return f"{figures['model']['name']} {figures['model']['version']}".strip()


def estimate(figure: dict[str, Any] | None, how: str = ".3f") -> str:
    """Return a figure with its interval as far as there is one."""
    if figure is None or figure["value"] is None:
        return ""
    if figure["low"] is None:
        return format(figure["value"], how)
    return with_interval(figure, how)


def signed(figure: dict[str, Any] | None) -> str:
    """Return a difference with its sign and interval."""
    return estimate(figure, "+.3f")


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
