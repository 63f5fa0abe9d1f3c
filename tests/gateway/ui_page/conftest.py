"""The page in a real browser: Debian's Chromium with the portrait before its camera, driven by Playwright.

Whatever a test opens must stay without an error in the console, and without a request to another origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from bench.real_call.clip import write_portrait_clip
from tests.end_to_end.conftest import ServerProcess, find_program
from tests.gateway.gateway_process import DEADLINE_S, GatewayProcess, run_gateway

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"),
    "--allow-loopback-in-peer-connection",  # the only network that a camera here may use
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # the gateway has no resolver for made-up names
)

expect.set_options(timeout=DEADLINE_S * 1000)

NO_SCORE = "\N{EN DASH}"

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def gateway(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with a page, for all tests of a file."""
    with run_gateway(tmp_path_factory.mktemp("gateway"), server.listen, "ui") as process:
        yield process


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of the portrait for the browser's camera."""
    path = tmp_path_factory.mktemp("camera") / "portrait.y4m"
    write_portrait_clip(path, lines=720, fps=10, seconds=4)
    return path


@pytest.fixture(scope="module")
def browser(camera: Path) -> Iterator[Browser]:
    """One browser for all tests of a file; the loop that drives it ends with them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium"),
            args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"],
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page that is open, and what it must not do."""

    page: Page
    origin: str
    allowed: tuple[str, ...] = ()
    """Parts of messages of the console that the test brings about."""
    problems: list[str] = field(default_factory=list)

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in self.allowed):
            self.problems.append(f"{message.type}: {message.text}")

    def requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and f"{url.scheme}://{url.netloc}" != self.origin:
            self.problems.append(f"a request to {request.url}")


@pytest.fixture
def open_page(browser: Browser, gateway: GatewayProcess) -> Iterator[OpenPage]:
    """Opens the gateway's page: `open_page("#/camera", width=390, dark=True, camera=True, allowed=(...))`."""
    opened: list[Watched] = []

    def open_one(
        view: str = "",
        *,
        http: str = gateway.http,
        width: int = 1400,
        dark: bool = False,
        camera: bool = False,
        allowed: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            permissions=["camera"] if camera else [],
            **options,
        )
        context.set_default_timeout(DEADLINE_S * 1000)
        page = context.new_page()
        watched = Watched(page, http, allowed)
        page.on("console", watched.heard)
        page.on("pageerror", lambda error: watched.problems.append(str(error)))
        page.on("request", watched.requested)
        opened.append(watched)
        page.goto(f"{http}/{view}")
        return page

    yield open_one
    for watched in opened:
        watched.page.context.close()
    assert [problem for watched in opened for problem in watched.problems] == []
