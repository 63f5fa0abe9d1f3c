"""A server for the demo: `facegauge-server` as a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["DemoServer", "demo_server", "read_stream_quality"]

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
SCRAPE_TIMEOUT_S = 2.0
_ANY_FREE = "127.0.0.1:0"
_MODEL = "facegauge-accurate"
"""Names causes more reliably than the default: the demo says what goes wrong."""


@dataclass(frozen=True, slots=True)
class DemoServer:
    """Addresses of the demo's server, and its model."""

    target: str
    metrics_url: str
    model: str


@asynccontextmanager
async def demo_server() -> AsyncIterator[DemoServer]:
    """Run a server while the block runs, then drain it; FacegaugeError where it does not start."""
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            _program(),
            *("--listen", _ANY_FREE, "--metrics-listen", _ANY_FREE, "--model", _MODEL),
            *("--precision", "f32"),  # to choose one takes longer than all else of a start
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours: the server is stopped after its stream
        )
        try:
            line = await _first_line(process)
            try:
                ready = json.loads(line)
                server = DemoServer(ready["listen"], ready["metrics"], ready.get("model", ""))
            except (ValueError, KeyError, TypeError) as error:
                log.seek(0)
                said = log.read().decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
                raise FacegaugeError(f"facegauge-server did not start: {said[0]}") from error
            yield server
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _first_line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            return await process.stdout.readline()
    except TimeoutError:
        return b""


def _program() -> str:
    beside = Path(sys.executable).with_name("facegauge-server")
    found = str(beside) if beside.is_file() else shutil.which("facegauge-server")
    if found is None:
        raise FacegaugeError("the demo starts a server of its own: pip install facegauge-server")
    return found


def read_stream_quality(metrics_url: str, stream_id: str) -> float | None:
    """Read `facegauge_stream_quality_ratio` of a stream from the metrics; None where it has none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
    try:
        with opener.open(metrics_url, timeout=SCRAPE_TIMEOUT_S) as page:
            text = page.read().decode()
    except OSError:
        return None
    series = rf'^facegauge_stream_quality_ratio\{{[^}}]*stream_id="{re.escape(stream_id)}"[^}}]*\}} (\S+)'
    found = re.search(series, text, re.MULTILINE)
    return float(found[1]) if found else None
