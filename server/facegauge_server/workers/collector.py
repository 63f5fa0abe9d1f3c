"""Series of the worker processes, read at every scrape: `process_*` is of the server's own process alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from facegauge_server.workers.pool import FrameWorkers

__all__ = ["WorkersCollector"]

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class WorkersCollector(Collector):
    """Shows a pool."""

    def __init__(self, workers: FrameWorkers) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """Yield the families. Called by the thread that answers a scrape."""
        yield GaugeMetricFamily(
            "facegauge_workers_serving",
            "Worker processes that take frames",
            value=self._workers.health.serving,
        )
        yield CounterMetricFamily(
            "facegauge_worker_cpu_seconds",
            "Processor time of all worker processes, those that have ended included",
            value=self._workers.cpu_s,
        )
        yield GaugeMetricFamily(
            "facegauge_worker_resident_memory_bytes",
            "Resident memory of all worker processes; pages that they share count for each",
            value=sum(_resident_bytes(pid) for pid in self._workers.pids),
        )


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):  # it has just ended
        return 0
