"""The page for the demo: `facegauge-gateway ui` as a process of its own, and a browser that shows it."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from facegauge_client.demo.program import Program, running_program
from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["DemoPage", "demo_page", "open_browser"]

WAY_OUT = (
    "the page is the gateway's, which is not installed: pip install facegauge-gateway, or from a checkout "
    "`uv run --group gateway facegauge demo --page`"
)
_DISPLAYS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables of which one is set where a browser has a screen, on systems that have them."""


@dataclass(frozen=True, slots=True)
class DemoPage:
    """The page's address."""

    url: str
    program: Program


@asynccontextmanager
async def demo_page(target: str) -> AsyncIterator[DemoPage]:
    """Serve the page of a server while the block runs; FacegaugeError where that is not possible."""
    arguments = ("ui", "--server", target, "--http-listen", "127.0.0.1:0")
    async with running_program("facegauge-gateway", arguments, WAY_OUT) as program:
        try:
            page = DemoPage(f"{program.ready['http'].rstrip('/')}/", program)
        except (KeyError, AttributeError) as error:
            raise FacegaugeError(
                f"facegauge-gateway does not say where it listens: {program.ready}"
            ) from error
        yield page


def open_browser(url: str) -> bool:
    """Open the default browser on a page, and return whether one is tried; nothing waits for it.

    Without a screen none is: what would open then is a browser of the terminal, in place of the demo.
    """
    if sys.platform not in ("win32", "darwin") and not any(map(os.environ.get, _DISPLAYS)):
        return False

    def show() -> None:
        with suppress(OSError, webbrowser.Error):
            webbrowser.open(url)

    threading.Thread(target=show, daemon=True).start()
    return True
