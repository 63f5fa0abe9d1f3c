"""The real gateway as a process of its own, and a media server's side of its RTP port."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from facegauge_gateway.rtp.packet import RtpPacket
from tests.gateway.rtp_streams import serialise

__all__ = ["DEADLINE_S", "GatewayProcess", "MediaServer", "metric_of", "run_gateway"]

DEADLINE_S = 60.0
"""Longest wait for anything: far more than a busy machine takes."""


class GatewayProcess:
    """A running `facegauge-gateway`: its answers, its metrics and its log."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.log_path = log
        first = process.stdout.readline()
        assert first, log.read_text()
        self.ready: dict[str, Any] = json.loads(first)
        self.http: str = self.ready["http"]
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def answer(self, **wanted: Any) -> dict[str, Any]:
        """Return the next answer with these fields; others before it are passed over."""
        while True:
            line = self._lines.get(timeout=DEADLINE_S)
            if wanted.items() <= line.items():
                return line

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text of a page."""
        request = urllib.request.Request(self.http + path, headers=headers)  # noqa: S310 - our own gateway
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """Value of one sample; 0 where it is not there."""
        return _sample(self.get("/metrics")[1], name, labels)

    def wait_for(self, what: Callable[[], bool], why: str) -> None:
        """Poll what has no event to wait for."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not what():
            assert time.monotonic() < deadline_s, f"{why}\n{self.log}"
            time.sleep(0.02)

    def stop(self) -> int:
        """Drain; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def _read(self, stdout: Iterable[str]) -> None:
        for line in stdout:
            self._lines.put(json.loads(line))


@contextmanager
def run_gateway(folder: Path, server: str, *flags: str) -> Iterator[GatewayProcess]:
    """Run a gateway that forwards to a server, with answers on standard output."""
    command = (
        *(sys.executable, "-m", "facegauge_gateway", *flags, "--server", server),
        *("--http-listen", "127.0.0.1:0", "--log-format", "json"),
        *(() if "--answers" in flags else ("--answers", "-")),
    )
    log = folder / "gateway.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield GatewayProcess(process, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def metric_of(http: str, name: str, **labels: str) -> float:
    """Value of one sample of a gateway that serves at this address; 0 where it is not there."""
    with urllib.request.urlopen(f"{http}/metrics", timeout=DEADLINE_S) as response:  # noqa: S310 - our own
        return _sample(response.read().decode(), name, labels)


def _sample(page: str, name: str, labels: dict[str, str]) -> float:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == f"facegauge_gateway_{name}" and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0


class MediaServer:
    """A socket that forwards RTP to a gateway, and hears its RTCP."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._destination = (host, int(port))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(DEADLINE_S)
        self._socket.bind((host, 0))

    def send(self, data: bytes) -> None:
        self._socket.sendto(data, self._destination)

    def forward(self, packets: Iterable[RtpPacket]) -> None:
        for packet in packets:
            self.send(serialise(packet))

    def receive(self) -> bytes:
        """Return the next datagram that comes back."""
        return self._socket.recv(2048)

    def receive_pli(self, ssrc: int) -> None:
        """Wait for a request for a keyframe of a source."""
        wanted = ssrc.to_bytes(4)
        deadline_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline_s:
            data = self.receive()
            at = data.find(b"\x81\xce\x00\x02")  # PSFB with FMT 1: PLI (RFC 4585, 6.3.1)
            if at >= 0 and data[at + 8 : at + 12] == wanted:
                return
        raise AssertionError("no PLI came")

    def close(self) -> None:
        self._socket.close()
