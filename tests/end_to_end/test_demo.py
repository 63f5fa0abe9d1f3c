"""`facegauge demo`: what a newcomer sees first."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import psutil
import pytest


@pytest.mark.slow
def test_the_demo_shows_a_score_that_falls_and_recovers(facegauge: str, tmp_path: Path) -> None:
    """The score is lower while the bitrate is, and why; the series is in /metrics, the picture is written."""
    picture = tmp_path / "demo.svg"
    result = subprocess.run(
        [facegauge, "demo", "--svg", picture], capture_output=True, text=True, timeout=200, check=True
    )
    found = re.search(r"Quality (0\.\d+) at 2000 kbit/s, (0\.\d+) at 60 kbit/s, (0\.\d+) once", result.stdout)
    assert found is not None, result.stdout
    before, starved, after = map(float, found.groups())
    assert starved < before - 0.15
    assert starved < after - 0.15
    assert re.search(r"facegauge_stream_quality_ratio 0\.\d+", result.stdout)
    assert "facegauge-server" in result.stdout
    wrong = re.search(r"What was wrong at 60 kbit/s: (.*)\.", result.stdout)
    assert wrong is not None, result.stdout
    assert re.search(r"resolution -0\.\d\d", wrong[1])
    lines = [line for line in result.stdout.splitlines() if "  wrong: " in line]
    assert any(line.endswith("wrong: -") for line in lines if "1280x720" in line)
    assert not any("resolution -" in line for line in lines if float(line.split()[0]) < 8), (
        "before it shrinks"
    )
    assert "</svg>" in picture.read_text()
    assert re.search(r"─&#160;resolution&#160;-0\.\d\d&#160;─", picture.read_text())


def test_a_demo_that_is_stopped_stops_its_server(facegauge: str) -> None:
    """Ctrl-C ends the demo with a sentence, and leaves no server behind."""
    with subprocess.Popen(
        [facegauge, "demo", "--keep"],
        stdout=subprocess.PIPE,
        text=True,
        # A program that a shell starts in the background is deaf to Ctrl-C, and so would this one be.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "kbit/s" in line:
                break
        servers = psutil.Process(demo.pid).children(recursive=True)
        assert servers
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.wait(60) == 0
    assert "The demo was stopped; so was its server." in rest
    assert not any(server.is_running() for server in servers)
