"""One's own camera: published, scored, drawn over, and made worse by the sliders."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.gateway.gateway_process import GatewayProcess
from tests.gateway.ui_page.conftest import NO_SCORE, OpenPage

QUALITY = ".camera .quality"


def quality(page: Page) -> float:
    """The quality that the page shows now."""
    return float(page.locator(QUALITY).inner_text())


def wait_for_quality(page: Page, condition: str) -> None:
    """Wait until the quality that is shown, `q`, meets a condition."""
    page.wait_for_function(
        f"() => {{ const q = Number(document.querySelector('{QUALITY}').textContent); return {condition}; }}"
    )


def test_a_camera_is_scored_and_falls_with_its_bit_rate(open_page: OpenPage, gateway: GatewayProcess) -> None:
    """The score comes, falls with the bit rate and comes back; faces are drawn; stopping ends the stream."""
    page = open_page("#/camera", camera=True)
    page.get_by_role("button", name="Start the camera").click()
    wait_for_quality(page, "q > 0.6")
    good = quality(page)
    expect(page.locator(".figures")).to_contain_text("kbit/s")
    page.get_by_label("Bit rate").fill("0")
    wait_for_quality(page, f"q < {good - 0.15}")
    expect(page.locator(".camera .says")).to_contain_text("-0.")
    page.get_by_role("button", name="As good as it gets").click()
    wait_for_quality(page, f"q > {good - 0.1}")
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator(QUALITY)).to_have_text(NO_SCORE)
    gateway.wait_for(lambda: gateway.metric("whip_sessions") == 0, "the session goes on")


def test_a_camera_that_is_refused(open_page: OpenPage) -> None:
    """The page says who must do what, and can be tried again."""
    page = open_page("#/camera")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("Allow it beside the page's address")
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()


def test_two_tabs_have_a_camera_each(open_page: OpenPage, gateway: GatewayProcess) -> None:
    """Neither takes the other's stream; leaving a page ends its own."""
    pages = [open_page("#/camera", camera=True) for _ in range(2)]
    for page in pages:
        page.get_by_role("button", name="Start the camera").click()
    for page in pages:
        expect(page.locator(QUALITY)).not_to_have_text(NO_SCORE)
    pages[0].close()
    gateway.wait_for(lambda: gateway.metric("whip_sessions") == 1, "the closed page's session goes on")
    pages[1].goto(f"{gateway.http}/#/")
    gateway.wait_for(lambda: gateway.metric("whip_sessions") == 0, "the left page's session goes on")
