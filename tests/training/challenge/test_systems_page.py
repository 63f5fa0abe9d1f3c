from __future__ import annotations

from pathlib import Path

import facegauge_models
from facegauge_models.about import ABOUT
from facegauge_training.challenge.systems_page import systems_page

PAGE = Path(__file__).parents[3] / "docs" / "systems.md"


def test_the_page_is_what_the_registry_says() -> None:
    """Written anew it would be the same: `facegauge-train systems-page`."""
    assert PAGE.read_text(encoding="utf-8") == systems_page()


def test_every_system_is_told_of() -> None:
    """In the order of the ranks, with its reported figures."""
    names = facegauge_models.names(teachers=False)
    assert tuple(ABOUT) == names
    page = systems_page()
    assert [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")] == list(names)
    for name in names:
        reported = facegauge_models.info(name).reported
        assert reported is not None
        assert f"Score {reported.score:.4f}" in page
