"""The wall shows all live streams, worst first, whatever they are called, and only those."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import ServerProcess, run_server
from tests.gateway.gateway_process import GatewayProcess, run_gateway
from tests.gateway.ui_page.conftest import NO_SCORE, OpenPage
from tests.gateway.ui_page.streams import LiveStreams, live_streams

MARKUP = "<img src=x onerror=alert(1)>"
ROWS = ".wall li"


@pytest.fixture(scope="module")
def call(server: ServerProcess, portrait_jpeg: bytes, collapsed_jpeg: bytes) -> Iterator[LiveStreams]:
    """A call of three: one looks bad, one good, and one has a name of markup."""
    pictures = {"anna": portrait_jpeg, "bert": collapsed_jpeg, MARKUP: portrait_jpeg}
    with live_streams(server.listen, "wall-call", pictures) as streams:
        yield streams


@pytest.mark.usefixtures("call")
def test_the_worst_stream_stands_first_and_says_what_is_wrong(open_page: OpenPage) -> None:
    """Rows come worst first, with quality, cause (they send a still) and rate; a name of markup is text."""
    page = open_page("#/?call=wall-call")
    expect(page.locator(ROWS)).to_have_count(3)
    first = page.locator(ROWS).first
    expect(first.locator(".name")).to_have_text("bert")
    expect(first.locator(".cause")).to_contain_text("freeze")
    expect(first.locator(".fps")).to_contain_text("fps")
    good = page.locator(ROWS).filter(has_text="anna").locator(".quality")
    expect(good).not_to_have_text(NO_SCORE)
    assert float(first.locator(".quality").inner_text()) < float(good.inner_text())
    expect(page.get_by_text(MARKUP)).to_be_visible()
    expect(page.locator("#connection")).to_have_text("Connected")
    expect(page.locator("#identity")).to_contain_text("model")


@pytest.mark.usefixtures("call")
def test_a_link_carries_the_view(open_page: OpenPage) -> None:
    """What is searched and filtered stands in the address, and an address opens filtered."""
    page = open_page("#/?call=wall-call")
    page.get_by_label("Search names").fill("ann")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(".count")).to_contain_text("1 of ")
    again = open_page(page.url.split("/", 3)[3])
    expect(again.get_by_label("Search names")).to_have_value("ann")
    expect(again.locator(ROWS).locator(".name")).to_have_text("anna")
    again.get_by_label("Search names").fill("nobody is called so")
    expect(again.get_by_text("No stream passes the filters.")).to_be_visible()


@pytest.mark.usefixtures("call")
def test_the_keyboard_reaches_everything(open_page: OpenPage) -> None:
    """Arrows walk through the list, Enter opens a stream, / searches and p pauses."""
    page = open_page("#/?call=wall-call")
    expect(page.locator(ROWS)).to_have_count(3)
    page.keyboard.press("/")
    expect(page.get_by_label("Search names")).to_be_focused()
    page.locator(f"{ROWS} a").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"{ROWS} a").nth(1)).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(f"{ROWS} a").first).to_be_focused()
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="bert", level=1)).to_be_visible()


def test_a_stream_that_has_ended_is_gone(
    open_page: OpenPage, server: ServerProcess, portrait_jpeg: bytes
) -> None:
    """The next list takes it away; others stay."""
    pictures = {"stays": portrait_jpeg, "leaves": portrait_jpeg}
    with live_streams(server.listen, "ending-call", pictures) as streams:
        page = open_page("#/?call=ending-call")
        expect(page.locator(ROWS)).to_have_count(2)
        streams.end("leaves")
        expect(page.locator(ROWS)).to_have_count(1)
        expect(page.locator(f"{ROWS} .name")).to_have_text("stays")


def test_a_server_that_dies_is_shown_and_one_that_comes_back_too(
    open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The page says since when it knows nothing, keeps what it knew in grey, and recovers by itself."""
    with run_server() as first, run_gateway(tmp_path_factory.mktemp("dying"), first.listen, "ui") as gateway:
        page = open_page(http=gateway.http)
        expect(page.locator("#connection")).to_have_text("Connected")
        first.process.kill()
        first.process.wait()
        expect(page.locator("#connection")).to_have_class("stale")
        expect(page.locator("#connection")).to_contain_text("s ago")
        with run_server("--listen", first.listen):
            expect(page.locator("#connection")).to_have_text("Connected")
            page.close()


def test_a_page_that_hears_nothing_says_so_and_goes_on(open_page: OpenPage, gateway: GatewayProcess) -> None:
    """A laptop that slept, a network that is gone: old news is marked as old, and the page connects again."""
    page = open_page()
    expect(page.locator("#connection")).to_have_text("Connected")
    gateway.process.send_signal(signal.SIGSTOP)  # its connections stay, and nothing comes through them
    try:
        expect(page.locator("#connection")).to_have_class("stale")
        expect(page.locator("#connection")).to_contain_text("s ago")
    finally:
        gateway.process.send_signal(signal.SIGCONT)
    expect(page.locator("#connection")).to_have_text("Connected")


def test_a_token_is_asked_for_once(
    open_page: OpenPage, server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A gateway with --read-tokens lets nobody see streams without one; a wrong one is asked for again."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "tokens").write_text("open-sesame-0123456789\n")
    flags = ("ui", "--read-tokens", str(folder / "tokens"))
    with run_gateway(folder, server.listen, *flags) as gateway:
        page = open_page(http=gateway.http, allowed=("401",))
        token = page.get_by_role("textbox", name="Token")
        token.fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#token-why")).to_contain_text("--read-tokens")
        token.fill("open-sesame-0123456789")
        page.keyboard.press("Enter")
        expect(page.locator("#connection")).to_have_text("Connected")
        page.close()
