"""A whole server's traces: frames of a call at a collector; exemplars and log lines that lead there."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.app import running
from facegauge_server.config import Address, Config
from facegauge_server.types import Encoding
from tests.coded_video import encode_units, moving
from tests.server.conftest import Connect, config_request, frame_request, read_rest
from tests.tiny_student import write_tiny_student

from .collector import Collector, attributes, collecting

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01")
LOOPBACK = Address("127.0.0.1", 0)


def config(collector: Collector, folder: Path) -> Config:
    return Config(
        listen=LOOPBACK,
        metrics_listen=LOOPBACK,
        workers=1,
        precision="f32",
        model=str(write_tiny_student(folder)),
        drain_grace_s=60.0,
        tracing=collector.settings(),
    )


def exemplars(url: str) -> set[str]:
    """Traces that the histogram of stages leads to."""
    request = urllib.request.Request(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"})  # noqa: S310 - our own server
    with urllib.request.urlopen(request) as response:  # noqa: S310 - our own server
        text = response.read().decode()
    return {
        sample.exemplar.labels["trace_id"]
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None and sample.labels["stage"] == "total"
    }


async def test_a_frames_way_is_found_from_metrics_and_log(
    connect: Connect, portrait_jpeg: bytes, astronaut: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    """Each frame is a trace with its stages, an exemplar names one, and the log names the caller's.

    A picture by itself is part of its caller's trace, below the span that the caller names.
    """
    sent = {
        "pictures": (pb.FRAME_ENCODING_JPEG, [portrait_jpeg, portrait_jpeg]),
        "coded": (pb.FRAME_ENCODING_VP8, encode_units(Encoding.VP8, moving(astronaut, 2))),
    }
    with collecting() as collector:
        with structlog.testing.capture_logs() as lines:
            async with running(config(collector, tmp_path)) as app:
                for stream_id, (encoding, data) in sent.items():
                    call = connect(app).MonitorStream(metadata=(PARENT,))
                    delivery = pb.DELIVERY_COMPLETE
                    await call.write(config_request(stream_id, encoding=encoding, delivery=delivery))
                    for sequence, one in enumerate(data):
                        await call.write(frame_request(one, sequence))
                    await call.done_writing()
                    await read_rest(call)
                named = await asyncio.to_thread(exemplars, app.metrics_url)
                image = pb.AssessImageRequest(data=portrait_jpeg)
                await connect(app).AssessImage(image, metadata=(PARENT,))
        spans = collector.spans(1)  # those that waited came as the server drained
    counted = app.metrics.registry.get_sample_value("facegauge_trace_spans_total", {"result": "exported"})
    assert counted == len(spans)

    def by_method(method: str) -> list[Span]:
        frames = [span for span in spans if span.name == "frame"]
        return [span for span in frames if attributes(span)["rpc.method"] == method]

    # --- frames of streams: each a trace of its own that links to the caller's
    frames = by_method("MonitorStream")
    assert [attributes(span)["facegauge.sequence"] for span in frames] == [0, 1, 0, 1]
    assert [link.trace_id.hex() for span in frames for link in span.links] == [TRACE] * 4
    pictures, coded = ({span.trace_id.hex() for span in half} for half in (frames[:2], frames[2:]))
    for traces, stage in ((coded, "decode_video"), (pictures, "decode")):
        assert {span.name for span in spans if span.trace_id.hex() in traces} >= {"frame", stage, "locate"}
    opened = [line["trace_id"] for line in lines if line["event"] == "stream opened"]
    assert opened == [TRACE, TRACE]

    # --- exemplars
    assert named
    assert named <= pictures, "coded video on demand has no total time"

    # --- the picture by itself
    (alone,) = by_method("AssessImage")
    assert (alone.trace_id.hex(), alone.parent_span_id.hex()) == (TRACE, PARENT[1].split("-")[2])
