"""Instruments of the WHIP door."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

__all__ = ["WhipMetrics"]


class WhipMetrics:
    """Counts of offers and sessions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge(
            "facegauge_gateway_whip_sessions",
            "Publishers that are connected or connecting",
            registry=registry,
        )
        self.requests = Counter(
            "facegauge_gateway_whip_requests", "WHIP requests by HTTP status", ["method", "status"],
            registry=registry,
        )  # fmt: skip
        self.ended = Counter(
            "facegauge_gateway_whip_sessions_ended",
            "Sessions by end: `deleted`, `disconnected`, `no_media`, `idle`, `server`, `drained`, `failed`",
            ["reason"],
            registry=registry,
        )
        self.channel_dropped = Counter(
            "facegauge_gateway_whip_channel_answers_dropped",
            "Answers that a data channel was too slow to carry",
            registry=registry,
        )
