"""Replicas that export the series of streams that nobody plays, by the server's own collectors."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import cast

from prometheus_client import CollectorRegistry, generate_latest

from facegauge_server.calibration import ServedModel
from facegauge_server.metrics import Metrics
from facegauge_server.monitoring.session_collector import SessionCollector
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.types import CauseKind, Fault, FrameResult, StreamState

__all__ = ["SimulatedReplica", "serving"]

FPS = 2.0
LOW_SHARE = 0.02
"""Of the streams, those that look bad."""
FAULTY_SHARE = 0.1
"""Of the streams, those that have a fault."""
CAUSES = ("compression", "blur")
"""Those that a stream of the default student has a figure for, in an ordinary call."""
SCRAPE_S = 5.0
FRAME_BYTES = 97_000
QUALITY, IMPAIRMENT = "facegauge_stream_quality_ratio", "facegauge_stream_impairment_ratio"
LAST_FRAME = "facegauge_stream_last_frame_timestamp_seconds"
FRAMES, RECEIVED = "facegauge_stream_frames_total", "facegauge_stream_received_bytes_total"
CHANGING = {QUALITY, IMPAIRMENT, LAST_FRAME, FRAMES, RECEIVED}


class SimulatedStream:
    """The series of a stream, as the server's collector writes them; some of their values change."""

    def __init__(self, name: str, call: str, tenant: str, chance: random.Random) -> None:
        self._random = chance
        self._level = chance.uniform(0.5, 0.9) if chance.random() > LOW_SHARE else 0.2
        self._bytes = self._frames = 0.0
        steady: list[bytes] = []
        self._changing: list[tuple[bytes, str]] = []
        session = _session(name, call, tenant, is_faulty=chance.random() < FAULTY_SHARE)
        for line in _written([session], 1):
            series = line.rpartition(b" ")[0]
            metric = line.partition(b"{")[0].decode()
            if metric in CHANGING and (metric != FRAMES or b'result="scored"' in line):
                self._changing.append((series, metric))
            elif b"stream_id" in line:
                steady.append(line)
        self._steady = b"\n".join(steady)

    def write(self, now_s: float) -> Iterator[bytes]:
        """Let the time between two scrapes pass; yield the lines."""
        chance = self._random.random()
        self._frames += FPS * SCRAPE_S
        self._bytes += FPS * SCRAPE_S * FRAME_BYTES * (0.9 + 0.2 * chance)
        values = {
            QUALITY: self._level + 0.05 * chance,
            IMPAIRMENT: (1 - self._level) * 0.4 * chance,
            LAST_FRAME: now_s - chance / FPS,
            FRAMES: self._frames,
            RECEIVED: self._bytes,
        }
        for series, metric in self._changing:
            yield b"%b %f" % (series, values[metric])
        yield self._steady


class SimulatedReplica:
    """A replica with a number of live streams, of which some end and others begin between scrapes."""

    def __init__(self, number: int, streams: int, mean_minutes: float, max_exported: int) -> None:
        self._random = random.Random(number)  # noqa: S311 - no secret
        self._number = number
        self._opened = 0
        self._ends_share = SCRAPE_S / (60 * mean_minutes)
        exported = min(streams, max_exported)
        self._gauges = [
            b"facegauge_streams_active %d" % streams,
            b"facegauge_streams_unexported %d" % (streams - exported),
        ]
        self._streams = [self._open() for _ in range(exported)]
        self._metrics = Metrics()
        self._metrics.set_model("facegauge-small", "openvino", "f32", "0" * 64)

    def scrape(self) -> bytes:
        """Let a scrape's time pass, and return the exposition."""
        now_s = time.time()
        lines = list(self._gauges)
        for index, stream in enumerate(self._streams):
            if self._random.random() < self._ends_share:
                self._streams[index] = stream = self._open()
            lines += stream.write(now_s)
        self._metrics.count_frames(FrameResult.SCORED, int(FPS * SCRAPE_S * len(self._streams)))
        for stage in ("worker_wait", "decode", "locate", "crop", "score", "total"):
            self._metrics.observe_stage(stage, 0.01 * self._random.random())
        self._metrics.observe_quality(self._random.random())
        return b"\n".join((*lines, generate_latest(self._metrics.registry)))

    def _open(self) -> SimulatedStream:
        self._opened += 1
        name = f"replica-{self._number}-stream-{self._opened}"
        call = f"call-{self._number}-{self._opened // 4}"
        return SimulatedStream(name, call, f"tenant-{self._number % 10}", self._random)


def _session(name: str, call: str, tenant: str, *, is_faulty: bool) -> SimpleNamespace:
    """Return what the collector reads of a session."""
    causes = [SimpleNamespace(kind=cause, cost=0.0) for cause in CAUSES]
    if is_faulty:
        causes.append(Fault(CauseKind.LOW_FRAME_RATE, 4.0, 5.0))  # type: ignore[arg-type]
    coding = SimpleNamespace(is_coded=False)
    return SimpleNamespace(
        settings=SimpleNamespace(stream_id=name, call_id=call, encoding=coding),
        tenant=tenant,
        quality=SimpleNamespace(quality=0.5, faces=[None], state=StreamState.SCORED, causes=causes),
        traffic=SimpleNamespace(received_bytes=0, keyframes=0, breaks=0),
        frames=dict.fromkeys(FrameResult, 0),
        last_frame_wall_s=0.0,
    )


def _written(sessions: list[SimpleNamespace], max_exported: int) -> Iterator[bytes]:
    """Yield the lines that the collector writes of sessions, without comments."""
    registry = CollectorRegistry()
    table = cast("SessionTable", SimpleNamespace(snapshot=lambda: sessions))
    registry.register(SessionCollector(table, max_exported, ServedModel("small", "0")))
    return (line for line in generate_latest(registry).splitlines() if not line.startswith(b"#"))


@contextmanager
def serving(replicas: list[SimulatedReplica]) -> Iterator[int]:
    """Serve each replica at /replica/N; yields the port, on loopback."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with turn:
                body = replicas[int(self.path.rpartition("/")[2])].scrape()
            with contextlib.suppress(ConnectionError):  # the scrape has given up
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
