"""Many scrapers cost one rendering."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from facegauge_server.monitoring.exposition import Exposition


class Counting(Collector):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.renderings = 0

    def collect(self) -> Iterator[Metric]:
        self.renderings += 1
        yield GaugeMetricFamily("renderings", "So far", value=self.renderings)


async def test_scrapers_of_one_moment_share_a_rendering() -> None:
    """Thirty-two that ask at once get the same text, rendered once."""
    collector, registry = Counting(), CollectorRegistry()
    registry.register(collector)
    collector.renderings = 0
    exposition = Exposition(registry, max_age_s=3600)
    texts = await asyncio.gather(*(exposition.render("") for _ in range(32)))
    assert len(set(texts)) == 1
    assert collector.renderings == 1


async def test_a_text_is_not_older_than_it_may_be() -> None:
    """Who asks later gets a new one."""
    collector, registry = Counting(), CollectorRegistry()
    registry.register(collector)
    collector.renderings = 0
    exposition = Exposition(registry, max_age_s=0)
    first, second = await exposition.render(""), await exposition.render("")
    assert first != second
    assert collector.renderings == 2
