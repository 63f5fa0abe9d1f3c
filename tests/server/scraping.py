"""What Prometheus would get from a server now."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from facegauge_server.app import App
from tests.end_to_end.conftest import ServerProcess

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Values by name and labels."""


async def read_metrics(server: App | ServerProcess) -> str:
    """The page as it is; it may be as old as `exposition.MAX_AGE_S`."""
    return await asyncio.to_thread(_read, server.metrics_url)  # the server may run on this loop


def _read(url: str) -> str:
    with urllib.request.urlopen(url) as response:  # noqa: S310 - our own server
        text: str = response.read().decode()
    return text


async def scrape(server: App | ServerProcess) -> Samples:
    """One scrape: see `read_metrics`."""
    text = await read_metrics(server)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped_until(server: App | ServerProcess, holds: Callable[[Samples], bool]) -> Samples:
    """The first scrape for which something holds."""
    async with asyncio.timeout(60):
        while not holds(samples := await scrape(server)):
            await asyncio.sleep(0.02)
    return samples
