"""The wall with 300 live streams costs the browser little, and never shows one that has ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import run_server
from tests.gateway.gateway_process import run_gateway
from tests.gateway.ui.load import SERVER_FLAGS, running_load
from tests.gateway.ui_page.conftest import OpenPage

MOST_SCRIPT_S = 0.020
"""CPU time of the page's scripts in a second of updates."""
MEASURED_S = 15


def script_share(page: Page) -> float:
    """CPU seconds of scripts in a second, over some seconds of updates, on the page's own thread."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def figure(name: str) -> float:
        figures = devtools.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in figures if one["name"] == name)

    script_s, began_s = figure("ScriptDuration"), float(page.evaluate("performance.now() / 1000"))
    page.wait_for_timeout(1000 * MEASURED_S)
    lasted_s = float(page.evaluate("performance.now() / 1000")) - began_s
    return (figure("ScriptDuration") - script_s) / lasted_s


@pytest.mark.slow
def test_300_streams_cost_little_and_the_ended_are_gone(open_page: OpenPage, tmp_path: Path) -> None:
    """Only rows in view exist; a second of updates takes under 20 ms of script; an ended stream leaves."""
    with (
        run_server(*SERVER_FLAGS) as server,
        running_load(server.listen) as load,
        run_gateway(tmp_path, server.listen, "ui") as gateway,
    ):
        page = open_page(http=gateway.http)
        expect(page.locator(".count")).to_contain_text("300 live streams")
        assert page.locator(".wall li").count() < 60
        share = script_share(page)
        print(f"script {1000 * share:.1f} ms a second")
        assert share < MOST_SCRIPT_S
        gone = page.locator(".wall li .name").first.inner_text()
        load.end(gone)
        expect(page.locator(".count")).to_contain_text("299 live streams")
        assert page.get_by_text(gone, exact=True).count() == 0
        page.close()
