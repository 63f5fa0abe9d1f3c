"""`facegauge replay`, `assess` and `top` as processes of their own, against a real server."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from .conftest import ServerProcess, StartServerProcess

FIELDS = {
    *("stream_id", "sequence", "capture_time_s", "result", "state", "quality", "raw_quality"),
    *("faces", "frames_dropped", "error", "frames_skipped", "frames_not_decoded", "causes", "model"),
    *("frame_width", "frame_height"),
}


@pytest.fixture
def clip(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> Path:
    """Two seconds of the portrait, enlarged, at 25 frames a second."""
    path = tmp_path / "portrait.mp4"
    picture = np.asarray(cv2.resize(astronaut, (720, 720), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "20", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 720, 720, "yuv420p"
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100, cwd=cwd)


def of_frames(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what a server under load tells unasked, such as that a stream is stale."""
    return [line for line in lines if "sequence" in line]


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_file_plays_as_one_stream_and_every_json_line_is_an_assessment(
    facegauge: str, server: ServerProcess, clip: Path
) -> None:
    """`--json -` puts nothing but assessments on standard output: 5 frames a second, in order, all scored."""
    result = run(facegauge, "replay", clip, "--server", server.listen, "--speed", "max", "--json", "-")
    assert result.returncode == 0, result.stderr
    lines = json_lines(result.stdout)
    assert [line["capture_time_s"] for line in lines] == pytest.approx([k / 5 for k in range(10)])
    assert {line["stream_id"] for line in lines} == {"portrait.mp4"}
    assert {line["result"] for line in lines} == {"scored"}
    for line in lines:
        assert set(line) - {"main_track_id", "main_cause"} == FIELDS
        assert 0 <= line["quality"] <= 1
    assert "portrait.mp4: 10 frames" in result.stderr
    assert "10/10" in result.stderr


def test_a_replay_gives_the_same_scores_again(facegauge: str, server: ServerProcess, clip: Path) -> None:
    """Smoothing follows the file's clock, so neither speed nor load changes a score."""
    options = ("--server", server.listen, "--json", "-", "--fps", "all")
    first = run(facegauge, "replay", clip, "--speed", "max", *options)
    second = run(facegauge, "replay", clip, "--speed", "3", *options)
    scores = [of_frames(json_lines(result.stdout)) for result in (first, second)]
    assert scores[0] == scores[1]
    assert len(scores[0]) == 50


def test_bad_files_are_told_and_the_others_play(
    facegauge: str, server: ServerProcess, clip: Path, tmp_path: Path
) -> None:
    """A text file, a missing one, an empty folder and a damaged video beside a good one: exit code 1."""
    (tmp_path / "notes.txt").write_text("Dear diary")
    (tmp_path / "empty").mkdir()
    damaged = bytearray(clip.read_bytes())
    damaged[len(damaged) // 2 :] = bytes(len(damaged) - len(damaged) // 2)
    (tmp_path / "damaged.mp4").write_bytes(damaged)
    names = ("notes.txt", "gone.mp4", "empty", "damaged.mp4", "portrait.mp4")
    options = ("--server", server.listen, "--speed", "max", "--json", "out.jsonl")
    result = run(facegauge, "replay", *names, *options, cwd=tmp_path)
    assert result.returncode == 1
    assert (
        "notes.txt: there is no video in this file" in result.stderr
        or "notes.txt: not a video" in result.stderr
    )
    assert "gone.mp4: there is no such file" in result.stderr
    assert "empty: this folder has no pictures" in result.stderr
    assert "Traceback" not in result.stderr
    lines = json_lines((tmp_path / "out.jsonl").read_text())
    assert sum(line["stream_id"] == "portrait.mp4" for line in lines) == 10


def test_a_folder_of_pictures_plays_and_damaged_pictures_are_states_of_their_frames(
    facegauge: str, server: ServerProcess, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    """A JPEG that is cut off is that frame's error; the frames around it are scored."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(6):
        data = portrait_jpeg[:300] if number == 3 else portrait_jpeg
        (folder / f"{number}.jpg").write_bytes(data)
    result = run(facegauge, "replay", folder, "--server", server.listen, "--speed", "max", "--json", "-")
    assert result.returncode == 0, result.stderr
    assert [line["result"] for line in json_lines(result.stdout)] == ["scored"] * 3 + ["error"] + [
        "scored"
    ] * 2


def test_pictures_are_assessed_one_by_one(
    facegauge: str, server: ServerProcess, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    """One line a picture, named by its path; a broken one is told, and the exit code is 1."""
    (tmp_path / "good.jpg").write_bytes(portrait_jpeg)
    (tmp_path / "cut.jpg").write_bytes(portrait_jpeg[:300])
    (tmp_path / "notes.txt").write_text("Dear diary")
    options = ("--server", server.listen)
    result = run(facegauge, "assess", "good.jpg", *options, "--json", "-", cwd=tmp_path)
    (line,) = json_lines(result.stdout)
    assert result.returncode == 0
    assert (line["stream_id"], line["result"], len(line["faces"])) == ("good.jpg", "scored", 1)
    assert "sequence" not in line
    result = run(facegauge, "assess", "cut.jpg", "notes.txt", "good.jpg", *options, cwd=tmp_path)
    assert result.returncode == 1
    assert "cut.jpg: " in result.stderr
    assert "notes.txt: not a picture" in result.stderr
    assert "good.jpg" in result.stdout


def test_top_without_a_terminal_prints_the_list_once(
    facegauge: str, server: ServerProcess, clip: Path
) -> None:
    """While a file plays in real time, top names its stream, and /metrics has its series."""
    replay = subprocess.Popen(
        [facegauge, "replay", clip, "--server", server.listen, "--speed", "0.05", "--json", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert replay.stdout is not None
        replay.stdout.readline()
        result = run(facegauge, "top", "--server", server.listen)
        with urllib.request.urlopen(server.metrics_url) as page:  # noqa: S310 - our own server
            metrics = page.read().decode()
    finally:
        replay.terminate()
        replay.wait(60)
        assert replay.stdout is not None
        replay.stdout.close()
    assert result.returncode == 0
    assert "1 live" in result.stdout
    assert "portrait.mp4" in result.stdout
    # Not the quality: on a slow machine the stream may be stale by now, which has none.
    assert 'facegauge_stream_faces{call_id="",stream_id="portrait.mp4",tenant=""}' in metrics


@contextmanager
def replaying(
    facegauge: str, clip: Path, target: str, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A replay that is under way, and its first line of JSON."""
    command: list[str | Path] = [facegauge, "replay", clip, "--server", target, "--json", "-", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as replay:
        assert replay.stdout is not None
        yield replay, replay.stdout.readline()
        replay.kill()


@pytest.mark.parametrize(
    "options",
    [("--speed", "0.1", "--reconnect-timeout", "1"), ("--speed", "max", "--fps", "all")],
    ids=["real time", "max"],
)
def test_a_server_that_is_gone_for_good_ends_the_replay(
    facegauge: str,
    start_server_process: StartServerProcess,
    clip: Path,
    options: tuple[str, ...],
) -> None:
    """Killed while a file plays: one sentence and exit code 1, after the reconnect timeout or at once."""
    server = start_server_process()
    with replaying(facegauge, clip, server.listen, *options) as (replay, _):
        server.process.kill()
        _, errors = replay.communicate(timeout=60)
        assert replay.returncode == 1
    assert "portrait.mp4: the" in errors or "portrait.mp4: no" in errors
    assert "Traceback" not in errors


def test_a_replay_in_real_time_outlives_a_restart_of_the_server(
    facegauge: str, start_server_process: StartServerProcess, clip: Path
) -> None:
    """Killed and started again on its port: every frame is answered once, and the replay says so."""
    server = start_server_process()
    with replaying(facegauge, clip, server.listen, "--speed", "1", "--fps", "all") as (replay, first):
        server.process.kill()
        server.process.wait()
        start_server_process("--listen", server.listen)
        rest, errors = replay.communicate(timeout=100)
        assert replay.returncode == 0, errors
    lines = of_frames(json_lines(first + rest))
    assert [line["capture_time_s"] for line in lines] == pytest.approx([k / 25 for k in range(50)])
    assert {line["result"] for line in lines} == {"scored"}
    assert "portrait.mp4: reconnected once; mean, p10 and state times cover the part since" in errors


def test_a_full_disk_ends_a_replay_with_one_sentence(
    facegauge: str, server: ServerProcess, clip: Path
) -> None:
    """The JSON lines have no room: exit code 1, no traceback."""
    result = run(
        facegauge, "replay", clip, "--server", server.listen, "--speed", "max", "--json", "/dev/full"
    )
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "Error: cannot write /dev/full: No space left on device"
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.shared
def test_the_clips_of_the_research_data_are_scored(
    facegauge: str, server: ServerProcess, shared_dir: Path, tmp_path: Path
) -> None:
    """All clips in parallel, as fast as the server takes them: at least 95% of the frames are scored."""
    clips = sorted((shared_dir / "videos").glob("*.mp4"))
    out = tmp_path / "out.jsonl"
    options = ("--server", server.listen, "--speed", "max", "--fps", "2", "--json", out)
    result = run(facegauge, "replay", *clips, *options)
    assert result.returncode == 0, result.stderr
    lines = of_frames(json_lines(out.read_text()))
    assert {line["stream_id"] for line in lines} == {clip.name for clip in clips}
    assert sum(line["result"] == "scored" for line in lines) >= 0.95 * len(lines)
