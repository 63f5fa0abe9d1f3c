"""Instruments that the gateway exports to Prometheus; the doors add their own to the same registry."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from facegauge_gateway.running_totals import RunningTotals

__all__ = ["Metrics"]


class Metrics:
    """Instruments of what every door does: forward frames, and pass answers on."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.streams = Gauge(
            "facegauge_gateway_streams", "Streams that are open at the server", registry=registry
        )
        self.frames = RunningTotals(
            "facegauge_gateway_frames",
            "Frames or units for the server: `sent`, or `dropped` as it or the network was too slow or away",
            "result",
            ("sent", "dropped"),
            registry,
        )
        self.reconnects = RunningTotals(
            "facegauge_gateway_reconnects",
            "Connections of a stream after its first: `resumed`, or `restarted` with new smoothing",
            "kind",
            ("resumed", "restarted"),
            registry,
        )
        self.keyframes_needed = Counter(
            "facegauge_gateway_keyframes_needed",
            "Times that the server could not decode a stream before its next keyframe",
            registry=registry,
        )
        self.answers = Counter(
            "facegauge_gateway_answers", "Assessments and summaries that the server sent", registry=registry
        )
        self.answers_dropped = Counter(
            "facegauge_gateway_answers_dropped",
            "Answers that a subscriber was too slow to read",
            registry=registry,
        )
        self.subscribers = Gauge(
            "facegauge_gateway_subscribers", "Readers of answers that are connected", registry=registry
        )
        self.ready = Gauge(
            "facegauge_gateway_ready", "1 while the server answers and nothing drains", registry=registry
        )
        self._failures = Counter(
            "facegauge_gateway_stream_failures",
            "Streams that the server refused or that failed, by the SDK's error; the log has its text",
            ["reason"],
            registry=registry,
        )

    def count_failure(self, error: BaseException) -> None:
        """Count a stream that could not be opened, or that ended with an error."""
        self._failures.labels(_snake_case(type(error).__name__)).inc()


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
