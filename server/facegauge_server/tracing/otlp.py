"""Traces of frames, sent to an OpenTelemetry collector (OTLP over gRPC).

    frame                        from when it might have been taken up to its assessment
    ├── wait                     for worker time
    └── work                     in a worker process, and in the engine
        ├── decode, locate, ...  the stages, one after the other

A stage's duration is measured in its worker; where it begins follows from the stages before it, and what is
left of `work` went by between the processes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from facegauge_server.metrics import SpanResult
from facegauge_server.safe_log import SafeLog
from facegauge_server.tracing.bounded_export import BoundedExport
from facegauge_server.tracing.settings import Tracing
from facegauge_server.tracing.trace_parent import TraceParent
from facegauge_server.tracing.traces import FrameTimes, TracedCall
from facegauge_server.types import FrameResult, FrameScore

__all__ = ["OtlpTraces"]

DELAY_S = 2.0
EXPORT_TIMEOUT_S = 10.0


class OtlpTraces:
    """Makes traces of a share of the frames and sends them from a thread. Belongs to one event loop."""

    def __init__(
        self, settings: Tracing, count: Callable[[SpanResult, int], None], delay_s: float = DELAY_S
    ) -> None:
        """Open the exporter; it connects once there is something to send.

        Args:
            settings: with an endpoint.
            count: is told, from any thread, what became of how many spans.
            delay_s: longest time that a span waits for others.
        """
        endpoint = settings.endpoint
        assert endpoint is not None  # noqa: S101 - the caller has looked
        _forward_log()
        exporter = OTLPSpanExporter(
            endpoint=endpoint.url, insecure=not endpoint.is_encrypted, timeout=EXPORT_TIMEOUT_S
        )
        resource = Resource.create(
            {"service.name": "facegauge-server", "service.version": version("facegauge-server")}
        )
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BoundedExport(exporter, settings.trace_queue, count, delay_s))
        self._tracer = self._provider.get_tracer("facegauge_server")
        self._ratio = settings.trace_ratio
        self._draw = random.Random().random  # noqa: S311 - no secret

    def frame(self, call: TracedCall, times: FrameTimes, score: FrameScore) -> str | None:
        """Trace a frame, or not: see `traces.TraceFrame`."""
        if not self._is_traced(call):
            return None
        shift_s = time.time() - time.monotonic()  # to the wall clock

        def at_ns(monotonic_s: float) -> int:
            return int((monotonic_s + shift_s) * 1e9)

        caller = _context(call.parent)
        frame = self._tracer.start_span(
            "frame",
            set_span_in_context(NonRecordingSpan(caller)) if call.is_picture and caller else None,
            SpanKind.SERVER,
            _attributes(call, score),
            [Link(caller)] if caller and not call.is_picture else None,
            at_ns(times.ready_s),
        )
        if score.result is FrameResult.ERROR:
            frame.set_status(StatusCode.ERROR, score.error)
        within = set_span_in_context(frame)
        wait = self._tracer.start_span("wait", within, start_time=at_ns(times.ready_s))
        wait.end(at_ns(times.taken_s))
        work = self._tracer.start_span("work", within, start_time=at_ns(times.taken_s))
        within, begun_s = set_span_in_context(work), times.taken_s
        for stage, duration_s in score.stage_times_s:
            span = self._tracer.start_span(stage, within, start_time=at_ns(begun_s))
            begun_s += duration_s
            span.end(at_ns(begun_s))
        work.end(at_ns(times.done_s))
        frame.end(at_ns(times.done_s))
        return f"{frame.get_span_context().trace_id:032x}"

    async def close(self, grace_s: float) -> None:
        """Deliver what waits, for so long at most."""
        closing = asyncio.get_running_loop().run_in_executor(None, self._provider.shutdown)
        await asyncio.wait([closing], timeout=grace_s)

    def _is_traced(self, call: TracedCall) -> bool:
        if call.is_picture and call.parent is not None:
            return call.parent.is_sampled
        return self._draw() < self._ratio


def _context(parent: TraceParent | None) -> SpanContext | None:
    if parent is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)


def _attributes(call: TracedCall, score: FrameScore) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {
        "rpc.method": call.method,
        "facegauge.result": score.result.value,
        "facegauge.faces": len(score.faces),
        "facegauge.sequence": score.sequence,
        "facegauge.capture_time_s": score.capture_time_s,
    }
    ids = {"tenant": call.tenant, "stream_id": call.stream_id, "call_id": call.call_id}
    return found | {f"facegauge.{name}": value for name, value in ids.items() if value}


class _ToOurLog(logging.Handler):
    """Writes what OpenTelemetry has to say to the server's log."""

    def emit(self, record: logging.LogRecord) -> None:
        SafeLog().warning("traces", text=record.getMessage())


def _forward_log() -> None:
    theirs = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, _ToOurLog) for handler in theirs.handlers):
        theirs.addHandler(_ToOurLog(logging.WARNING))
    theirs.propagate = False
