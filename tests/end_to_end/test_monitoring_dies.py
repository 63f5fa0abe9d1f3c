"""What watches the server may die, or turn away half-way: calls go on as if nothing had been."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import struct
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from facegauge_client import Assessment, FrameResult
from facegauge_client.sync import Client, MonitorStream
from tests.local_stack import running_stack, until

from .conftest import ServerProcess

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.timeout(180)]

FPS = 5
WATCHED_FRAMES = 15
"""How much of the call is looked at before and after each incident."""


class Call:
    """A stream that sends and reads until the end of the test."""

    def __init__(self, stream: MonitorStream) -> None:
        self.stream = stream
        self.assessments: list[Assessment] = []

    def rate(self, cause: Callable[[], object] = lambda: None) -> float:
        """Let something happen, see the call go on for a while, and return the assessments a frame sent."""
        sent, answered = self.stream.frames_sent, len(self.assessments)
        cause()
        until(lambda: self.stream.frames_sent >= sent + WATCHED_FRAMES, "the call goes on", limit_s=60)
        frames = self.stream.frames_sent - sent
        until(lambda: len(self.assessments) > answered, "assessments come", limit_s=60)
        return (len(self.assessments) - answered) / frames


@contextmanager
def live_call(target: str, picture: bytes) -> Iterator[Call]:
    over = threading.Event()
    with Client(target) as client, client.monitor("camera-1", "standup") as stream:
        call = Call(stream)

        def send() -> None:
            for number in itertools.count():
                stream.send(picture, capture_time_s=number / FPS)
                if over.wait(1 / FPS):
                    stream.finish()
                    return

        def read() -> None:
            call.assessments.extend(stream)

        threads = [threading.Thread(target=work) for work in (send, read)]
        for thread in threads:
            thread.start()
        try:
            yield call
        finally:
            over.set()
            for thread in threads:
                thread.join()


def scrape(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=30) as page:  # noqa: S310 - our own server
        lines = page.read().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def assert_well(call: Call, metrics_url: str) -> None:
    """The stream never broke, no frame failed, and a scrape finds it."""
    assert call.stream.reconnects == 0
    results = [assessment.result for assessment in call.assessments]
    assert set(results) == {FrameResult.SCORED}
    labels = 'call_id="standup",stream_id="camera-1",tenant=""'
    assert f"facegauge_stream_quality_ratio{{{labels}}}" in scrape(metrics_url)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_call_does_not_notice_that_prometheus_and_alertmanager_die(portrait_jpeg: bytes) -> None:
    """Both are killed during a call: assessments keep coming at their rate, and a new scrape works."""
    with running_stack() as stack, live_call(stack.server, portrait_jpeg) as call:
        before = call.rate()
        for name in ("prometheus", "alertmanager"):
            pid = stack.pids[name]
            assert call.rate(partial(os.kill, pid, signal.SIGKILL)) == pytest.approx(before, abs=0.2)
            assert is_gone(pid)
            assert not is_gone(stack.pids["server"])
            assert_well(call, stack.metrics)


def test_a_call_does_not_notice_scrapes_that_turn_away(server: ServerProcess, portrait_jpeg: bytes) -> None:
    """Clients of /metrics that ask nothing, read a little, or read nothing cost no stream and no socket."""
    place = urllib.parse.urlsplit(server.metrics_url)
    assert place.hostname is not None
    assert place.port is not None
    address = (place.hostname, place.port)
    request = b"GET /metrics HTTP/1.1\r\nHost: facegauge\r\n\r\n"
    reset = struct.pack("ii", 1, 0)  # close with a reset, as a process that is killed does

    def turn_away() -> None:
        for number in range(60):
            with socket.create_connection(address, timeout=30) as scraper:
                if number % 3:
                    scraper.sendall(request)
                if number % 3 == 2:
                    assert scraper.recv(10)
                if number % 2:
                    scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    with live_call(server.listen, portrait_jpeg) as call:
        before = call.rate()
        sockets = scrape(server.metrics_url)["process_open_fds"]
        assert call.rate(turn_away) == pytest.approx(before, abs=0.2)
        assert_well(call, server.metrics_url)
        with ExitStack() as idle:
            for _ in range(20):
                scraper = idle.enter_context(socket.create_connection(address, timeout=30))
                scraper.sendall(request[:20])
            assert call.rate() == pytest.approx(before, abs=0.2)
            assert_well(call, server.metrics_url)
        until(lambda: scrape(server.metrics_url)["process_open_fds"] <= sockets + 2, "sockets are closed")
        assert server.process.poll() is None
