"""Counters of parts that come and go, such as streams: read at each scrape, kept when a part is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["RunningTotals"]

Read = Callable[[], Mapping[str, float]]
"""Function that returns a part's counts so far, by the value of the label."""


class RunningTotals(Collector):
    """One counter, with a label, summed over the parts that are there and those that have been.

    It is read on the event loop's thread, on which the parts live.
    """

    def __init__(
        self, name: str, documentation: str, label: str, values: tuple[str, ...], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._label = label
        self._past = dict.fromkeys(values, 0.0)
        self._parts: dict[object, Read] = {}
        registry.register(self)

    def track(self, read: Read) -> Callable[[], None]:
        """Count a part in; call the returned function once, when it is gone."""
        key = object()
        self._parts[key] = read

        def gone() -> None:
            part = self._parts.pop(key, None)
            if part is not None:
                self._add(self._past, part())

        return gone

    def totals(self) -> dict[str, float]:
        """Return the counts by the value of the label."""
        sums = dict(self._past)
        for read in self._parts.values():
            self._add(sums, read())
        return sums

    def describe(self) -> Iterator[Metric]:
        """Yield the family without asking the parts."""
        yield CounterMetricFamily(self._name, self._documentation, labels=[self._label])

    def collect(self) -> Iterator[Metric]:
        """Yield the family with its values."""
        family = CounterMetricFamily(self._name, self._documentation, labels=[self._label])
        for value, count in self.totals().items():
            family.add_metric([value], count)
        yield family

    @staticmethod
    def _add(sums: dict[str, float], counts: Mapping[str, float]) -> None:
        for value, count in counts.items():
            sums[value] = sums.get(value, 0.0) + count
