"""`facegauge replay --report`: the page of a real replay, opened by a real browser."""

from __future__ import annotations

import html
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client.demo.call import Act, play_call

from .conftest import ServerProcess, find_program, run_server

FPS = 10


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server whose student tells causes."""
    with run_server("--model", "facegauge-accurate") as process:
        yield process


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A call that comes well, then badly, then shows nobody: 2 s, 3 s and 1 s at 10 frames a second."""
    path = tmp_path / "call.mp4"
    acts = (Act(seconds=2, kbit_per_s=2000, height=720), Act(seconds=3, kbit_per_s=40, height=180))
    frames = [item.frame.to_ndarray(format="rgb24") for item in play_call(acts)]
    nobody: npt.NDArray[np.uint8] = np.full_like(frames[0], 90)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "16", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for frame in [*frames, *[nobody] * FPS]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


class Elements(HTMLParser):
    """Counts the elements of a page, by tag and by each of their classes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(f"{tag}.{name}" for name in (dict(attrs).get("class") or "").split())]


def replay(facegauge: str, target: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = (facegauge, "replay", *arguments, "--server", target, "--speed", "max")
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def open_in_browser(page: Path, profile: Path) -> tuple[str, list[str]]:
    """Return the page's document as the browser has it, and what its console says."""
    command = (
        *(find_program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *(f"--user-data-dir={profile}", "--virtual-time-budget=2000", "--dump-dom", page.as_uri()),
    )
    browser = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    return browser.stdout, re.findall(r".*CONSOLE.*", browser.stderr)


def test_the_page_opens_without_a_complaint(
    server: ServerProcess, facegauge: str, clip: Path, tmp_path: Path
) -> None:
    """Chromium shows table, charts and pictures, and its console stays empty, whatever a file is called."""
    find_program("chromium")
    report = tmp_path / "call.html"
    broken = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    broken.write_bytes(b"no video")
    before = set(tmp_path.iterdir())
    done = replay(facegauge, server.listen, clip, broken, "--fps", "10", "--report", report)
    assert done.returncode == 1, "one file failed"
    assert set(tmp_path.iterdir()) - before == {report}

    page, complaints = open_in_browser(report, tmp_path / "profile")
    assert complaints == []
    elements = Elements(page).found
    assert elements.count("tr") == 3, "head, the call, the broken file"
    assert elements.count("svg") == elements.count("li") - 1 + 2, "chart, states, and a strip for each cause"
    assert elements.count("path.quality") == elements.count("path.raw") == 1
    assert "rect.no_face" in elements
    assert elements.count("figure") >= 1
    assert elements.count("img") == 2 * elements.count("figure") - 1, "a frame and a face, but of nobody"
    assert "&lt;img src=x onerror=alert(1)&gt;.mp4" in page
    bands = re.findall(r'<figcaption>.*?quality <b class="(\w+)">', page)
    assert "poor" in bands, "the call's bad half"
    assert "1 of 2 did not play to the end" in page
    assert re.search(r"<dt>frames sent</dt><dd>60</dd>", page)
    assert re.search(r"<dt>response time, median</dt><dd>\d", page)


def test_what_was_wrong_has_its_figure_and_the_time_that_the_server_counted(
    server: ServerProcess, facegauge: str, clip: Path, tmp_path: Path
) -> None:
    """On the terminal, in the strips and at the moments: few lines in the bad part alone, a covered lens."""
    report, before = tmp_path / "call.html", cause_seconds(server)
    done = replay(facegauge, server.listen, clip, "--fps", "10", "--report", report)
    assert done.returncode == 0, done.stderr
    counted = {kind: seconds - before.get(kind, 0.0) for kind, seconds in cause_seconds(server).items()}
    page = html.unescape(report.read_text())
    told = dict(re.findall(r"<li>([a-z ]+) [-\d].*? for (\d+\.\d) s<svg", page))
    assert {"resolution", "compression", "covered"} <= set(told)
    for kind, seconds in counted.items():
        assert float(told.get(kind.replace("_", " "), 0.0)) == pytest.approx(seconds, abs=0.06)
    (began,) = re.findall(r'aria-label="resolution -0\.\d\d for \d\.\d s: 0:0(\d) to', page)
    assert int(began) >= 2, "it is not named before the picture shrinks"
    shown = " ".join(done.stdout.split())
    assert re.search(r"resolution -0\.\d\d for \d\.\d s", shown)
    assert re.search(r"covered [\d.]+/255 detail \(limit 4\.5/255\) for \d\.\d s", shown)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    poor = [caption for caption in captions if ', quality <b class="poor">' in caption]
    assert poor
    assert all(re.search(r"<strong>(resolution|compression) -0\.\d\d</strong>", caption) for caption in poor)
    assert any("<strong>covered" in caption for caption in captions)


def cause_seconds(server: ServerProcess) -> dict[str, float]:
    """Return for how long the server has named each cause so far, of all streams."""
    with urllib.request.urlopen(server.metrics_url) as page:  # noqa: S310 - our own server
        metrics = page.read().decode()
    found = re.findall(r'^facegauge_cause_seconds_total\{cause="(\w+)"\} (\S+)', metrics, re.MULTILINE)
    return {kind: float(seconds) for kind, seconds in found}


@pytest.mark.parametrize("name", ["nowhere/call.html", "call.mp4", "/dev/null"])
def test_a_report_that_has_no_place_is_said_before_anything_plays(
    facegauge: str, clip: Path, tmp_path: Path, name: str
) -> None:
    """No such folder, in place of the recording, a device: no server is asked, and nothing is replaced."""
    before = clip.read_bytes()
    done = replay(facegauge, "127.0.0.1:9", clip, "--report", tmp_path / name)
    assert done.returncode == 2
    assert "choose another --report" in done.stderr
    assert "playing" not in done.stderr
    assert clip.read_bytes() == before
    assert Path("/dev/null").is_char_device()


def test_what_was_seen_is_kept_when_the_replay_is_stopped(
    server: ServerProcess, facegauge: str, clip: Path, tmp_path: Path
) -> None:
    """Ctrl-C in the middle leaves a page of what has played so far, which says so."""
    report = tmp_path / "call.html"
    command = (
        *(facegauge, "replay", clip, "--server", server.listen, "--speed", "0.2"),
        *("--report", report, "--json", "-"),
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors
    page = report.read_text()
    assert "path.quality" in Elements(page).found
    assert "the replay was stopped before the end" in page
