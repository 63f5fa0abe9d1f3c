"""Instruments of the page."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

__all__ = ["UiMetrics"]

READERS = ("streams", "stream", "events", "clip")
CLIP_RESULTS = ("played", "failed", "refused", "cancelled")
REASONS = ("host", "origin", "readers")


class UiMetrics:
    """Adds its instruments to the gateway's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.readers = Gauge(
            "facegauge_gateway_ui_readers",
            "Connections of pages that read live data",
            ["data"],
            registry=registry,
        )
        self.clips = Gauge(
            "facegauge_gateway_ui_clips", "Clips that are being uploaded or played", registry=registry
        )
        self.clips_ended = Counter(
            "facegauge_gateway_ui_clips_ended",
            "Clips by their end: `played`, `failed`, `cancelled`, or `refused` before they played",
            ["result"],
            registry=registry,
        )
        self.refused = Counter(
            "facegauge_gateway_ui_refused",
            "Requests refused for their `host` or `origin`, or as all places for `readers` were taken",
            ["reason"],
            registry=registry,
        )
        for data in READERS:
            self.readers.labels(data)
        for result in CLIP_RESULTS:
            self.clips_ended.labels(result)
        for reason in REASONS:
            self.refused.labels(reason)
