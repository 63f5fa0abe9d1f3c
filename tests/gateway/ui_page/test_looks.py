"""Everybody can use the page: axe finds nothing, in light and dark, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.end_to_end.conftest import ServerProcess
from tests.gateway.ui_page.conftest import OpenPage
from tests.gateway.ui_page.streams import live_streams

READY = {
    "": ".wall li",
    "#/stream?id=dora": "section.chart canvas",
    "#/camera": ".sliders",
    "#/clip": ".pick",
}
MOST_BYTES = 150_000


@pytest.fixture(scope="module", autouse=True)
def dora(server: ServerProcess, collapsed_jpeg: bytes) -> Iterator[None]:
    """A stream to look at."""
    with live_streams(server.listen, "looks", {"dora": collapsed_jpeg}):
        yield


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("view", READY)
def test_axe_finds_nothing(open_page: OpenPage, view: str, width: int, dark: bool) -> None:
    """No violation of WCAG that axe-core knows of, and nothing wider than the screen."""
    page = open_page(view, width=width, dark=dark)
    expect(page.locator(READY[view]).first).to_be_visible()
    expect(page.locator("#connection")).to_have_text("Connected")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_is_small(open_page: OpenPage) -> None:
    """All that a browser loads, charts included, is under 150 kB."""
    page = open_page()
    expect(page.locator("#connection")).to_have_text("Connected")
    sizes = page.evaluate(
        """performance.getEntriesByType("resource")
            .filter(({name}) => name.includes("/assets/")).map((entry) => entry.decodedBodySize)"""
    )
    assert len(sizes) > 20
    assert sum(sizes) < MOST_BYTES
