from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.build import build_report, figures_of
from facegauge_training.evaluation.report.failures import worst
from facegauge_training.evaluation.report.measured import Measured
from facegauge_training.evaluation.report.sweep import Sweep


class Outline(HTMLParser):
    """Notes what a page refers to, and that its tags close."""

    VOID = ("meta", "img", "br", "hr", "link", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.refers: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def sizes() -> Sweep:
    rng = np.random.default_rng(0)
    return Sweep(np.sort(rng.random((8, 5)), axis=1))


@pytest.fixture(scope="module")
def page(measured: Measured, made_up: CropSet, sizes: Sweep) -> str:
    return build_report("<b>model & co", measured, made_up, sizes, resamples=20)[0]


def test_the_page_stands_alone(page: str) -> None:
    """Well formed, no script, nothing from outside, every plot and failure inside."""
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert "script" not in outline.tags
    assert "link" not in outline.tags
    assert len(outline.refers) > 20
    assert all(refers.startswith("data:image/") for refers in outline.refers)
    assert not re.search(r"https?://|@import|url\(", page)
    assert "at fewer pixels" in page


def test_names_are_escaped(page: str) -> None:
    """Of models and of sources."""
    assert "<b>" not in page
    assert "&lt;b&gt;model &amp; co" in page
    assert "made &lt;up&gt; &amp; co" in page


def test_what_was_not_run_is_told(measured: Measured, made_up: CropSet) -> None:
    """A baseline without scores keeps its row; without photos the sizes are left out."""
    page, rows = build_report("model", measured, made_up, None, resamples=20)
    assert "ffmpeg blurdetect" in page
    assert "not run" in page
    assert "at fewer pixels" not in page
    assert [row.name for row in rows] == ["student", "laplacian", "brisque"]
    told = figures_of(rows)
    assert set(told) == {"student", "laplacian", "brisque"}
    assert told["student"]["srocc"]["low"] <= told["student"]["srocc"]["value"]
    assert "lead" in told["brisque"]
    assert "lead" not in told["student"]


def test_failures_are_the_worst_of_each_face(measured: Measured, made_up: CropSet) -> None:
    """Furthest first, one a face, on the side that was asked for."""
    high = worst(measured, made_up, 1, measured.plain, 5)
    assert len(high) == 5
    errors = [failure.score - failure.label for failure in high]
    assert errors == sorted(errors, reverse=True)
    assert min(errors) > 0
    low = worst(measured, made_up, -1, ~measured.plain, 10)
    assert all(failure.score < failure.label for failure in low)
    assert len(low) <= 8
    assert all(re.match("noise|-", failure.what) for failure in low)
    assert all(failure.pristine.startswith("data:image/jpeg") for failure in high)
