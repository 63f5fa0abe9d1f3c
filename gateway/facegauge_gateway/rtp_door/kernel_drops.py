"""Datagrams that the gateway was too slow to read, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["export_kernel_drops"]


def export_kernel_drops(registry: CollectorRegistry, dropped: Callable[[], int]) -> None:
    """Export how many datagrams found the buffer of their socket full."""
    registry.register(_KernelDrops(dropped))


class _KernelDrops(Collector):
    def __init__(self, dropped: Callable[[], int]) -> None:
        self._dropped = dropped

    def collect(self) -> Iterator[Metric]:
        """Yield the family."""
        drops = CounterMetricFamily(
            "facegauge_gateway_rtp_kernel_dropped",
            "Datagrams that found the buffer of their socket full: the gateway was too slow",
        )
        drops.add_metric([], self._dropped())
        yield drops
