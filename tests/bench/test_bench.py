"""The bench measures the real server; here only the shape of what it says, never a time."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bench.coded import CodedCall
from bench.load import LoadResult, play_calls
from bench.server import server_process
from facegauge.v1 import quality_pb2 as pb
from facegauge_server.types import Encoding
from tests.coded_video import encode_units, moving
from tests.local_stack import find_program


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bench_loads_the_real_server(tmp_path: Path) -> None:
    """A short run scores frames of every stream, times both naive pipelines, and writes JSON and a plot."""
    figures, plot = tmp_path / "bench.json", tmp_path / "bench.png"
    command = [sys.executable, "-m", "bench", "--streams", "2,3", "--fps", "3", "--seconds", "2"]
    command += ["--frames", "6", "--naive", "both"]
    done = subprocess.run(
        [*command, "--json", figures, "--plot", plot],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "% of its CPU time" in done.stdout
    assert "fair share" in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")
    read = json.loads(figures.read_text())
    assert [run["streams"] for run in read["runs"]] == [2, 3]
    for run in read["runs"]:
        assert run["held"] == run["streams"]
        assert 0 < run["scored"] <= run["sent"] == run["streams"] * 6
        assert run["scored"] + run["dropped"] == run["sent"]
        assert 0 < run["p50_ms"] <= run["p95_ms"] <= run["p99_ms"]
        assert 0 <= run["min_fair_share"] <= 1
        assert set(run["stages_ms"]) == {
            "worker_wait",
            "decode_video",
            "decode",
            "locate",
            "crop",
            "engine_wait",
            "score",
            "total",
        }
        numbers = [value for value in run.values() if isinstance(value, int | float)]
        assert all(math.isfinite(number) for number in numbers)
    assert [run["detector"] for run in read["naive_pipeline"]] == ["one-look", "second-looks"] * 2
    for run in read["naive_pipeline"]:
        assert run["cpu_ms_a_frame"] > 0
        assert run["faces_a_frame"] > 0, "without faces the time says nothing"


def test_the_minimum_fair_share_is_the_worst_streams_over_the_mean() -> None:
    """One where all streams got the same, a half where the worst got half of the mean."""
    for scored, share in (([], 0.0), ([0, 0], 0.0), ([7, 7, 7], 1.0), ([2, 4, 6], 0.5), ([0, 9], 0.0)):
        assert LoadResult(len(scored), fps=2, scored_by_stream=scored).min_fair_share == share


def test_nonsense_is_refused() -> None:
    """Bad usage gets one sentence and exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--streams", "many"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "whole numbers" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_calls_of_coded_video_send_every_unit_once(astronaut: npt.NDArray[np.uint8]) -> None:
    """All calls send the same messages, made once; the server decodes what they carry, and scores of it."""
    units = encode_units(Encoding.H264, moving(astronaut, 12))
    call = CodedCall("h264", pb.FRAME_ENCODING_H264, units, layers=())
    with server_process() as server:
        result = await play_calls(server.target, call, streams=2, fps=2, duration_s=2.0)
    assert (result.sent, result.failed, result.refused) == (2 * 60, 0, 0)
    assert min(result.scored_by_stream) > 0
    assert len(result.latencies_s) == result.scored


@pytest.mark.slow
@pytest.mark.parametrize("lean", [False, True])
def test_the_series_of_a_fleet_are_scraped_recorded_and_asked_for(lean: bool) -> None:
    """Prometheus has every series of every simulated stream, or half of them, and answers all dashboards."""
    find_program("prometheus")
    command = [sys.executable, "-m", "bench.fleet_series", "--streams", "8", "--replicas", "2"]
    command += ["--minutes", "0.1", "--interval", "1", *(["--lean"] if lean else [])]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    found = re.search(r"([\d.]+) series a stream", done.stdout)
    assert found is not None
    # 18 and two causes, at times a fault; without states, bytes and four results.
    assert 20 <= float(found[1]) + (12 if lean else 0) <= 21
    assert all(f"\n{board}: " in done.stdout for board in ("fleet", "replicas", "service", "call"))
