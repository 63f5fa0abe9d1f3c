"""`facegauge replay --report`: the page of a real replay, opened by a real browser."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import cv2
import pytest

from facegauge_client.demo_call import Act, play_call

from .conftest import ServerProcess, find_program


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures: a call that is coded well, then badly."""
    folder = tmp_path / "call"
    folder.mkdir()
    acts = (Act(seconds=2, kbit_per_s=2000, height=720), Act(seconds=2, kbit_per_s=40, height=180))
    for index, item in enumerate(play_call(acts)):
        cv2.imwrite(str(folder / f"{index:03}.jpg"), item.frame.to_ndarray(format="bgr24"))
    return folder


def replay(facegauge: str, server: ServerProcess, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = (facegauge, "replay", *arguments, "--server", server.listen, "--speed", "max")
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_the_page_opens_without_a_complaint(
    server: ServerProcess, facegauge: str, pictures: Path, tmp_path: Path
) -> None:
    """Chromium shows table, charts and pictures, and its console stays empty."""
    chromium = find_program("chromium")
    report = tmp_path / "call.html"
    broken = tmp_path / "<b>broken.mp4"
    broken.write_bytes(b"no video")
    done = replay(facegauge, server, pictures, broken, "--fps", "10", "--report", report)
    assert done.returncode == 1, "one file failed"
    assert not report.with_name("call.html.part").exists()
    browser = subprocess.run(
        (
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom"),
            report.as_uri(),
        ),
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert not re.findall(r".*CONSOLE.*", browser.stderr)
    page = browser.stdout
    assert page.count("<svg") == 1
    assert page.count("<tr") == 3, "head, the call, the broken file"
    assert page.count("data:image/jpeg;base64,") >= 2
    assert "&lt;b&gt;broken.mp4" in page
    marked = re.findall(r'<figcaption>0:0\d <b class="(\w+)">', page)
    assert "poor" in marked, "the call's bad half"


def test_a_report_that_cannot_be_written_is_said_before_anything_plays(
    server: ServerProcess, facegauge: str, pictures: Path, tmp_path: Path
) -> None:
    """Nobody waits an hour for a page that has no place."""
    done = replay(facegauge, server, pictures, "--report", tmp_path / "nowhere" / "call.html")
    assert done.returncode == 2
    assert "choose another --report" in done.stderr
    assert "frames" not in done.stderr


def test_what_was_seen_is_kept_when_the_replay_is_stopped(
    server: ServerProcess, facegauge: str, pictures: Path, tmp_path: Path
) -> None:
    """Ctrl-C in the middle leaves a page of what has played so far."""
    report, lines = tmp_path / "call.html", tmp_path / "lines.jsonl"
    command = (
        *(facegauge, "replay", pictures, "--server", server.listen, "--fps", "2"),
        *("--report", report, "--json", "-"),
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines.write_text(process.stdout.readline() + process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert "<svg" in report.read_text()
