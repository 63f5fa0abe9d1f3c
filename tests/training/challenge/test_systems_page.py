from __future__ import annotations

from pathlib import Path

import facegauge_models
from facegauge_models.about import ABOUT
from facegauge_training.challenge.systems_page import read_figures, systems_page

PAGE = Path(__file__).parents[3] / "docs" / "systems.md"
TABLE = PAGE.with_name("table1.json")


def test_the_page_is_what_the_registry_says() -> None:
    """Written anew it would be the same: `facegauge-train systems-page`."""
    assert PAGE.read_text(encoding="utf-8") == systems_page(read_figures(TABLE))


def test_every_system_is_told_of() -> None:
    """In the order of the ranks, with its reported figures."""
    names = facegauge_models.names(teachers=False)
    assert tuple(ABOUT) == names
    page = systems_page({})
    heads = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert heads == [*names, "Not built"]
    for name in names:
        reported = facegauge_models.info(name).reported
        assert reported is not None
        assert f"Score {reported.score:.4f}" in page
        about = ABOUT[name]
        assert (facegauge_models.info(name).tolerance is not None) == bool(about.tried)  # what is not settled


def test_what_was_measured_is_told_where_it_was() -> None:
    """A system of our table has its figures there in its paragraph, the others none."""
    row = {"score": 0.8125, "score_interval_95": [0.8, 0.825], "srocc": 0.81, "plcc": 0.815, "rmse": 0.1}
    costs = {"gmacs": 0.3313, "parameters": 1_179_640, "ms": 13.94, "samples": 60_000}
    page = systems_page({"next": row | costs})
    told = "**On our labels**: Score 0.8125 (0.800 to 0.825; SROCC 0.8100, PLCC 0.8150), 0.3313 GMACs"
    paragraph = " ".join(page.partition("## next")[2].partition("## athenaface")[0].split())
    assert told in paragraph
    assert "13.9 ms a face, after 60,000 pictures" in paragraph
    assert page.count("On our labels") == 1
