"""A real Prometheus stores what the server exports, and forgets a stream with its end."""

import itertools
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.real_call.programs import free_port
from facegauge_client.sync import Client

from .conftest import ServerProcess, find_program

Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def query(server: ServerProcess, tmp_path: Path) -> Iterator[Query]:
    """Asks a Prometheus that scrapes the server five times a second."""
    program = find_program("prometheus")
    target = server.metrics_url.removeprefix("http://").removesuffix("/metrics")
    config = {
        "global": {"scrape_interval": "200ms"},
        "scrape_configs": [{"job_name": "facegauge", "static_configs": [{"targets": [target]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    command = (
        program,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )

    def ask(expression: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url) as response:
            result: list[dict[str, Any]] = json.load(response)["data"]["result"]
            return result

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield ask
        finally:
            process.terminate()


def until(condition: Callable[[], bool], what: str) -> None:
    """Poll a program that has no other way to tell."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        try:
            if condition():
                return
        except urllib.error.URLError:
            pass  # Prometheus is not up yet.
        time.sleep(0.1)
    pytest.fail(f"never happened: {what}")


def test_prometheus_stores_a_streams_quality(
    server: ServerProcess, query: Query, portrait_jpeg: bytes
) -> None:
    """During a stream Prometheus answers with its quality; after it the series is gone, its past is kept."""
    selector = 'facegauge_stream_quality_ratio{stream_id="camera-1",call_id="standup"}'
    with (
        Client(server.listen) as client,
        client.monitor(stream_id="camera-1", call_id="standup") as stream,
    ):
        clock_s = itertools.count()

        def is_stored() -> bool:
            stream.send(portrait_jpeg, capture_time_s=next(clock_s))  # or the stream goes stale
            return len(query(selector)) == 1

        until(is_stored, "Prometheus has the stream's quality")
        stored = float(query(selector)[0]["value"][1])
        assessment = next(iter(stream))
        assert assessment.quality is not None
        assert stored == pytest.approx(assessment.quality, abs=1e-4), "the picture stands still"
    until(lambda: not query(selector), "the series ends with the stream")
    assert query(f"last_over_time({selector}[5m])"), "its past stays"
    assert query("facegauge_session_quality_ratio_count")[0]["value"][1] == "1"
