"""The real server as a process of its own, with what the operating system and /metrics say of it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

__all__ = ["Server", "StageTimes", "server_process"]

StageTimes = dict[str, tuple[float, float]]
"""Seconds and observations by stage."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    target: str
    metrics_url: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """Processor time of its processes since they started, user and system."""
        times = [process.cpu_times() for process in self._family()]
        return float(sum(one.user + one.system for one in times))

    def peak_memory_bytes(self) -> int:
        """Sum of the most memory that each of its processes had resident; shared pages count for each."""
        return sum(_peak_memory_bytes(process.pid) for process in self._family())

    def samples(self) -> list[Sample]:
        """All that /metrics says now."""
        with urllib.request.urlopen(self.metrics_url) as response:  # noqa: S310 - our own server
            families = text_string_to_metric_families(response.read().decode())
        return [sample for family in families for sample in family.samples]

    def stage_times(self) -> StageTimes:
        """Sums and counts of facegauge_stage_duration_seconds."""
        samples = [one for one in self.samples() if one.name.startswith("facegauge_stage_duration_seconds_")]
        return {
            stage: (_value(samples, "sum", stage), _value(samples, "count", stage))
            for stage in {sample.labels["stage"] for sample in samples}
        }

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def server_process(*flags: str) -> Iterator[Server]:
    """Start a server on free ports; it drains at the end of the block."""
    command = (
        *(sys.executable, "-m", "facegauge_server"),
        *("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *flags),
    )
    with subprocess.Popen(  # noqa: S603 - our own server
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit(f"the server did not start: try {' '.join(command)}")
            ready = json.loads(line)
            yield Server(ready["listen"], ready["metrics"], psutil.Process(process.pid))
        finally:
            process.terminate()


def _value(samples: list[Sample], kind: str, stage: str) -> float:
    name = f"facegauge_stage_duration_seconds_{kind}"
    return next(s.value for s in samples if s.name == name and s.labels["stage"] == stage)


def _peak_memory_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
