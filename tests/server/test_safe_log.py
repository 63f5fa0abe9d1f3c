"""A log that cannot be written stops nothing and leaks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.config import Limits
from facegauge_server.safe_log import SafeLog
from facegauge_server.watched_file import WatchedFiles

from .conftest import Connect, StartServer, config_request, frame_request, read_rest


@pytest.fixture
def full_disk() -> Iterator[list[str]]:
    """Makes every line of the log fail, as on a full disk; the events that were tried."""
    tried: list[str] = []

    def fail(_logger: Any, _method: str, line: Any) -> Any:
        tried.append(line["event"])
        raise OSError(28, "No space left on device")

    structlog.configure(processors=[fail])
    yield tried
    structlog.reset_defaults()


def test_no_method_raises(full_disk: list[str]) -> None:
    """Whatever is logged, and however."""
    log = SafeLog().bind(stream_id="a")
    log.info("one")
    log.warning("two", number=2)
    log.error("three")
    log.defect("four", ValueError("no"))
    assert full_disk == ["one", "two", "three", "four"]


def test_keys_are_reread_without_a_log(full_disk: list[str], tmp_path: Path) -> None:
    """A damaged key file locks no caller out, not even when the log cannot be written either."""
    path = tmp_path / "keys"
    path.write_text("1")
    keys = WatchedFiles("--keys", (path,), lambda: int(path.read_text()))
    path.unlink()
    assert [keys.current(now_s) for now_s in (0.0, 2.0)] == [1, 1]
    assert full_disk == ["file not reread"]


def test_values_are_on_every_line() -> None:
    """What is bound comes with each line, and the traceback with a defect."""
    error = ValueError("no")
    with structlog.testing.capture_logs() as lines:
        log = SafeLog(stream_id="a").bind(call_id="b")
        log.info("one", number=1)
        log.defect("two", error)
    assert lines == [
        {"event": "one", "log_level": "info", "stream_id": "a", "call_id": "b", "number": 1},
        {"event": "two", "log_level": "error", "stream_id": "a", "call_id": "b", "exc_info": error},
    ]


async def test_streams_open_and_close_without_a_log(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes, full_disk: list[str]
) -> None:
    """More streams than there are places, one after the other: each is scored and frees its place."""
    app = await start_server(limits=Limits(max_streams=2))
    stub = connect(app)
    for number in range(5):
        call = stub.MonitorStream(iter([config_request(f"{number}"), frame_request(portrait_jpeg)]))
        responses = await read_rest(call)
        assert responses[1].assessment.result == pb.FRAME_RESULT_SCORED
        assert responses[-1].summary.frames_scored == 1
    assert len(app.table) == 0
    assert full_disk.count("stream opened") == full_disk.count("stream closed") == 5
