"""Students side by side, each at its own width, from what their checkpoints say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facegauge_training.common.errors import RecipeError
from facegauge_training.evaluation.compare_page import put_table


def test_students_are_compared_on_one_page(
    cache: Path, small: tuple[str, ...], done: Callable[..., str], tmp_path: Path
) -> None:
    """A row each with its width and start, a plot, the two to ship; the rest of the page stays."""
    common = ("student", "--cache", cache, "--train-samples", "32")
    done(*common, "--run", "wide", "--start-from", "teacher-0", *small)
    done(*common, "--run", "narrow", "--width", "192", *small)
    page, plot, figures = tmp_path / "students.md", tmp_path / "students.png", tmp_path / "figures.json"
    page.write_text("Before\n<!-- students -->\nold\n<!-- /students -->\nafter\n")
    runs = ("--run", "wide", "--run", "narrow")
    done("compare", "--cache", cache, *runs, "--table", page, "--plot", plot, "--json", figures)
    text = page.read_text()
    assert text.startswith("Before\n<!-- students -->")
    assert text.endswith("<!-- /students -->\nafter\n")
    assert "old" not in text
    rows = {row["run"]: row for row in json.loads(figures.read_text())}
    assert (rows["wide"]["width"], rows["narrow"]["width"]) == (288, 192)
    assert rows["wide"]["samples"] == 64 + 32
    assert rows["wide"]["initialisation"] == "teacher-0/teacher.pt"
    assert rows["narrow"]["gmacs"] == pytest.approx(rows["wide"]["gmacs"] * (192 / 288) ** 2, rel=0.1)
    assert "192x256" in text
    assert "Best EdgeNeXt: none" in text
    assert plot.stat().st_size > 5000


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    """The table goes nowhere else."""
    page = tmp_path / "students.md"
    page.write_text("Before")
    with pytest.raises(RecipeError, match="<!-- students -->"):
        put_table(page, "text", None)
    assert page.read_text() == "Before"
