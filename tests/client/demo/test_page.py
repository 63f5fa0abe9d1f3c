"""The demo's page where it is not installed, or there is no browser."""

from __future__ import annotations

import shutil
import sys
import threading
import webbrowser
from pathlib import Path

import pytest

from facegauge_client import FacegaugeError
from facegauge_client.demo.page import demo_page, open_browser


async def test_a_gateway_that_is_not_installed_says_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By pip, and by uv from a checkout."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(FacegaugeError, match=r"pip install facegauge-gateway.*uv run --group gateway"):
        async with demo_page("127.0.0.1:1"):
            pass


async def test_a_gateway_that_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its last words are in the error."""
    gateway = tmp_path / "facegauge-gateway"
    gateway.write_text("#!/bin/sh\necho no such option: ui >&2\nexit 2\n")
    gateway.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(FacegaugeError, match="facegauge-gateway did not start: no such option: ui"):
        async with demo_page("127.0.0.1:1"):
            pass


def test_without_a_screen_no_browser_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser of the terminal would take the demo's place."""
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda _: pytest.fail("a browser was tried"))
    assert not open_browser("http://127.0.0.1:1/")


@pytest.mark.parametrize("error", [webbrowser.Error("none"), OSError("none")])
def test_a_browser_that_fails_is_no_error(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The address is printed too."""
    tried = threading.Event()

    def fail(_: str) -> bool:
        tried.set()
        raise error

    monkeypatch.setenv("BROWSER", "whatever")
    monkeypatch.setattr(webbrowser, "open", fail)
    assert open_browser("http://127.0.0.1:1/")
    assert tried.wait(60)
