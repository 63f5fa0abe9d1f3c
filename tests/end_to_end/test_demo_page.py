"""`facegauge demo --page`: a call in the browser by one command, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("facegauge_gateway", reason="the page is the gateway's")

BROWSER = """#!/bin/sh
printf '%s\\n' "$1" > "{seen}.new" && mv "{seen}.new" "{seen}"
"""


@contextmanager
def playing(
    facegauge: str, folder: Path
) -> Iterator[tuple[subprocess.Popen[str], str, list[psutil.Process]]]:
    """Run the demo with a browser that notes its address; gives that and its processes once it plays."""
    seen, browser = folder / "seen", folder / "browser"
    browser.write_text(BROWSER.format(seen=seen))
    browser.chmod(0o755)
    with subprocess.Popen(
        [facegauge, "demo", "--page"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": "/usr/bin:/bin", "BROWSER": str(browser), "LC_ALL": "C.UTF-8"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in test_demo.py
    ) as demo:
        try:
            assert demo.stdout is not None
            printed = ""
            for line in demo.stdout:
                printed += line
                if "kbit/s" in line:
                    break
            url = seen.read_text().strip()
            assert f"The page: {url}  (opening in the browser)" in printed
            yield demo, url, psutil.Process(demo.pid).children(recursive=True)
        finally:
            if demo.poll() is None:
                demo.terminate()


def program(processes: list[psutil.Process], name: str) -> psutil.Process:
    return next(one for one in processes if any(name in part for part in one.cmdline()[:3]))


def first_snapshot(url: str) -> dict[str, Any]:
    """The first list with streams that the page gets."""
    with urllib.request.urlopen(f"{url}ui/streams", timeout=60) as events:  # noqa: S310 - loopback
        for raw in events:
            line = raw.decode()
            if line.startswith("data: ") and '"demo"' in line:
                data: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return data
    raise AssertionError("the page's data ended without the demo's stream")


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_shows_the_call_until_it_is_stopped(facegauge: str, tmp_path: Path) -> None:
    """The browser gets the page's address; the stream is on it. Ctrl-C ends everything, with a sentence."""
    with playing(facegauge, tmp_path) as (demo, url, processes):
        with urllib.request.urlopen(url, timeout=60) as page:  # noqa: S310 - loopback
            assert page.status == 200
            assert "<html" in page.read().decode()
        (stream,) = (one for one in first_snapshot(url)["streams"] if one["stream_id"] == "demo")
        assert stream["call_id"] == "demo-call"
        demo.send_signal(signal.SIGINT)
        assert demo.stdout is not None
        rest = demo.stdout.read()
        assert demo.wait(60) == 0
    assert "The demo was stopped; so were its server and its page." in rest
    assert_gone(processes)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["facegauge-server", "facegauge-gateway"])
def test_one_that_dies_ends_the_demo(facegauge: str, tmp_path: Path, name: str) -> None:
    """It says which, exits with 1, and takes the other along."""
    with playing(facegauge, tmp_path) as (demo, _, processes):
        program(processes, name).kill()
        assert demo.stdout is not None
        rest = demo.stdout.read()
        assert demo.wait(60) == 1
    assert f"{name} ended, and the demo with it" in rest
    assert_gone(processes)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sigterm_ends_all(facegauge: str, tmp_path: Path) -> None:
    """A supervisor's stop leaves no server and no page behind either."""
    with playing(facegauge, tmp_path) as (demo, _, processes):
        demo.terminate()
        assert demo.stdout is not None
        assert "so were its server and its page" in demo.stdout.read()
        assert demo.wait(60) == 0
    assert_gone(processes)
