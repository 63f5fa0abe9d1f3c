"""The length of the webhook's queue, read at every scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from facegauge_server.webhook.sender import WebhookSender

__all__ = ["WebhookCollector"]


class WebhookCollector(Collector):
    """Exports how many events wait."""

    def __init__(self, sender: WebhookSender | None) -> None:
        """Read a sender; without one, nothing waits."""
        self._sender = sender

    def collect(self) -> Iterator[Metric]:
        """Yield the metric."""
        yield GaugeMetricFamily(
            "facegauge_webhook_queue_length",
            "Events that the webhook has not delivered yet",
            value=0 if self._sender is None else len(self._sender),
        )
