"""A stream's page tells what it is like, since the page is open, and that it has ended."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.end_to_end.conftest import ServerProcess
from tests.gateway.ui_page.conftest import OpenPage
from tests.gateway.ui_page.streams import live_streams


def test_a_stream_from_its_charts_to_its_end(
    open_page: OpenPage, server: ServerProcess, collapsed_jpeg: bytes
) -> None:
    """Charts have words for those who cannot see them; events are told; an ended stream is no live one."""
    with live_streams(server.listen, "stream-call", {"carla": collapsed_jpeg}) as streams:
        page = open_page("#/stream?id=carla")
        expect(page.locator(".facts")).to_contain_text("call stream-call")
        expect(page.locator(".stream > .title .quality")).to_contain_text("0.")
        chart = page.locator("section.chart")
        expect(chart).to_have_count(4)
        expect(chart.nth(0).locator("p")).to_contain_text("smoothed 0.")
        expect(chart.nth(1).locator("p")).to_contain_text("compression 0.")
        expect(chart.nth(2).locator("p")).to_contain_text("scored")
        expect(chart.nth(3).locator("p")).to_contain_text("ms")
        expect(page.locator("section.chart canvas")).to_have_count(4)
        expect(page.locator("section.strip").first).to_contain_text("scored")
        expect(page.locator(".events li").last).to_contain_text("began")
        streams.end("carla")
        expect(page.locator(".facts")).to_have_text("The stream has ended.")
        expect(page.locator(".events li").first).to_contain_text("ended")


def test_a_stream_that_never_was(open_page: OpenPage) -> None:
    """A link to a stream that is not live says so, and stays ready for it."""
    page = open_page("#/stream?id=nobody")
    expect(page.get_by_text("There is no live stream of this name.")).to_be_visible()
