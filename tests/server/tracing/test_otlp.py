"""Frames as traces at a real collector, and what becomes of spans that it does not take."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from facegauge_server.tracing.otlp import OtlpTraces
from facegauge_server.tracing.trace_parent import TraceParent
from facegauge_server.tracing.traces import FrameTimes, TracedCall
from facegauge_server.types import FrameResult, FrameScore

from .collector import Collector, attributes, collecting

STAGES = (("decode", 0.01), ("score", 0.02))
SCORE = FrameScore(7, 1.5, FrameResult.SCORED, stage_times_s=STAGES)
TIMES = FrameTimes(100.0, 100.25, 100.5)
STREAM = TracedCall("MonitorStream", "acme", "camera-1", "standup")
CALLER = TraceParent(0xABC, 0xDEF, is_sampled=True)
UNSAMPLED = TraceParent(0xABC, 0xDEF, is_sampled=False)


class Counts:
    """What became of spans; waits for more of them."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()
        self._changed = threading.Condition()

    def __call__(self, result: str, spans: int) -> None:
        with self._changed:
            self.of[result] += spans
            self._changed.notify_all()

    def wait_for(self, **expected: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: dict(self.of) == expected, 60), self.of


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


async def test_a_frame_of_a_stream_is_a_trace_of_its_own(collector: Collector) -> None:
    """Wait, work and stages in their times, who it belongs to, and a link to where its stream was opened."""
    counts = Counts()
    traces = OtlpTraces(collector.settings(), counts, delay_s=0.01)
    call = TracedCall("MonitorStream", "acme", "camera-1", "standup", CALLER)
    trace_id = await asyncio.to_thread(traces.frame, call, TIMES, SCORE)
    spans = {span.name: span for span in collector.spans(5)}
    assert set(spans) == {"frame", "wait", "work", "decode", "score"}
    assert {span.trace_id.hex() for span in spans.values()} == {trace_id}
    frame, wait, work = spans["frame"], spans["wait"], spans["work"]
    assert (frame.parent_span_id, wait.parent_span_id, spans["score"].parent_span_id) == (
        b"",
        frame.span_id,
        work.span_id,
    )
    begun_ns = frame.start_time_unix_nano

    def within(span_name: str) -> tuple[float, float]:
        span = spans[span_name]
        ends_ns = (span.start_time_unix_nano, span.end_time_unix_nano)
        return tuple(pytest.approx((ns - begun_ns) / 1e9, abs=1e-5) for ns in ends_ns)  # type: ignore[return-value]

    assert within("frame") == (0, 0.5)
    assert within("wait") == (0, 0.25)
    assert within("work") == (0.25, 0.5)
    assert within("decode") == (0.25, 0.26)
    assert within("score") == (0.26, 0.28)
    (link,) = frame.links
    assert (int(link.trace_id.hex(), 16), int(link.span_id.hex(), 16)) == (0xABC, 0xDEF)
    assert attributes(frame) == {
        "rpc.method": "MonitorStream",
        "facegauge.result": "scored",
        "facegauge.faces": 0,
        "facegauge.sequence": 7,
        "facegauge.capture_time_s": 1.5,
        "facegauge.tenant": "acme",
        "facegauge.stream_id": "camera-1",
        "facegauge.call_id": "standup",
    }
    assert collector.resource["service.name"] == "facegauge-server"
    counts.wait_for(exported=5)
    await traces.close(60)


async def test_a_picture_belongs_to_its_callers_trace(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the caller traces, whatever the ratio; where it does not, never; the collector gets its token."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret")
    traces = OtlpTraces(collector.settings(ratio=0), Counts(), delay_s=0.01)
    assert traces.frame(STREAM, TIMES, SCORE) is None
    error = FrameScore(0, 0.0, FrameResult.ERROR, error="no picture")
    picture = TracedCall("AssessImage", "acme", parent=CALLER)
    assert await asyncio.to_thread(traces.frame, picture, TIMES, error) == f"{0xABC:032x}"
    always = OtlpTraces(collector.settings(), Counts(), delay_s=0.01)
    assert always.frame(TracedCall("AssessImage", parent=UNSAMPLED), TIMES, SCORE) is None
    (frame,) = (span for span in collector.spans(3) if span.name == "frame")
    assert int(frame.parent_span_id.hex(), 16) == 0xDEF
    assert frame.status.message == "no picture"
    assert collector.metadata["authorization"] == "Bearer secret"
    for one in (traces, always):
        await one.close(60)


async def test_the_queue_is_bounded_and_every_span_is_counted(collector: Collector) -> None:
    """While the collector hangs, new spans are dropped; once it answers, those that waited arrive."""
    counts = Counts()
    collector.open.clear()
    traces = OtlpTraces(collector.settings(queue=10), counts, delay_s=0.01)
    for _ in range(4):
        await asyncio.to_thread(traces.frame, STREAM, TIMES, SCORE)
    assert counts.of == {"dropped": 10}
    collector.open.set()
    collector.spans(10)
    counts.wait_for(dropped=10, exported=10)
    await traces.close(60)


async def test_a_collector_that_is_not_there_holds_nothing_up() -> None:
    """The server ends within its grace, and what was left is counted."""
    with collecting() as gone:
        settings = gone.settings()
    counts = Counts()
    traces = OtlpTraces(settings, counts, delay_s=0.01)
    await asyncio.to_thread(traces.frame, STREAM, TIMES, SCORE)
    await traces.close(60)
    assert sum(counts.of.values()) == 5
    assert "exported" not in counts.of
