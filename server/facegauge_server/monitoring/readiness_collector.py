"""Readiness as a Prometheus series, for alerts: the server answers scrapes also while it is not ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from facegauge_server.monitoring.readiness import Readiness

__all__ = ["ReadinessCollector"]


class ReadinessCollector(Collector):
    """Exports at every scrape what /readyz answers."""

    def __init__(self, readiness: Readiness, clock: Callable[[], float] = time.monotonic) -> None:
        """Export a readiness.

        Args:
            readiness: what to export.
            clock: monotonic time, seconds, of the same clock as the readiness's times.
        """
        self._readiness = readiness
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield the family. Called by the thread that renders a scrape."""
        yield GaugeMetricFamily(
            "facegauge_ready",
            "1 while /readyz answers 200: the server takes streams and has scored a picture lately",
            value=float(not self._readiness.reasons_against(self._clock())),
        )
