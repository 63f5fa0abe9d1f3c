"""A bounded queue before OpenTelemetry's own, whose drops nobody could count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from facegauge_server.metrics import SpanResult

__all__ = ["BoundedExport"]

BATCH = 512


class BoundedExport(SpanProcessor):
    """Exports spans from a thread, `limit` at most in waiting; every span is counted once, by its result."""

    def __init__(
        self, exporter: SpanExporter, limit: int, count: Callable[[SpanResult, int], None], delay_s: float
    ) -> None:
        """Start the thread.

        Args:
            exporter: sends a batch and waits for the answer.
            limit: spans that wait or are on their way, at most.
            count: is told, from any thread, what became of how many spans.
            delay_s: longest time that a span waits for others.
        """
        self._limit = limit
        self._count = count
        self._lock = threading.Lock()
        self._waiting = 0
        self._batches = BatchSpanProcessor(
            _Counting(exporter, self._left),
            max_queue_size=limit,
            max_export_batch_size=min(BATCH, limit),
            schedule_delay_millis=delay_s * 1000,
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span, or drop it."""
        with self._lock:
            has_room = self._waiting < self._limit
            self._waiting += has_room
        if has_room:
            self._batches.on_end(span)
        else:
            self._count("dropped", 1)

    def shutdown(self) -> None:
        """Export what waits, then end; what is left is counted as dropped."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]  # it has no annotations
        with self._lock:
            left, self._waiting = self._waiting, 0
        if left:
            self._count("dropped", left)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Export what waits."""
        return self._batches.force_flush(timeout_millis)

    def _left(self, spans: int, result: SpanResult) -> None:
        with self._lock:
            self._waiting = max(0, self._waiting - spans)
        self._count(result, spans)


class _Counting(SpanExporter):
    """An exporter that tells what became of its spans."""

    def __init__(self, exporter: SpanExporter, left: Callable[[int, SpanResult], None]) -> None:
        self._exporter = exporter
        self._left = left

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._left(len(spans), "exported" if result is SpanExportResult.SUCCESS else "failed")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
