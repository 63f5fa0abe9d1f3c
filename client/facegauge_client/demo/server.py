"""A server for the demo: `facegauge-server` as a process of its own, on free ports."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from facegauge_client.demo.program import Program, running_program
from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["DemoServer", "demo_server", "read_stream_quality"]

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
    program: Program


@asynccontextmanager
async def demo_server() -> AsyncIterator[DemoServer]:
    """Run a server while the block runs, then drain it; FacegaugeError where it does not start."""
    arguments = (
        *("--listen", _ANY_FREE, "--metrics-listen", _ANY_FREE, "--model", _MODEL),
        *("--precision", "f32"),  # to choose one takes longer than all else of a start
    )
    way_out = "the demo starts a server of its own: pip install facegauge-server"
    async with running_program("facegauge-server", arguments, way_out) as program:
        ready = program.ready
        try:
            server = DemoServer(ready["listen"], ready["metrics"], ready.get("model", ""), program)
        except KeyError as error:
            raise FacegaugeError(f"facegauge-server does not say where it listens: {ready}") from error
        yield server


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
