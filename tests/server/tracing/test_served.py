"""A whole server's traces: frames of a call at a collector; exemplars and log lines that lead there."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import structlog
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


@pytest.mark.parametrize("encoding", [pb.FRAME_ENCODING_JPEG, pb.FRAME_ENCODING_VP8])
async def test_a_frames_way_is_found_from_metrics_and_log(
    encoding: pb.FrameEncoding.ValueType,
    connect: Connect,
    portrait_jpeg: bytes,
    astronaut: npt.NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    """Each frame is a trace with its stages, an exemplar names one, and the log names the caller's."""
    pictures = [portrait_jpeg, portrait_jpeg]
    if encoding == pb.FRAME_ENCODING_VP8:
        pictures = encode_units(Encoding.VP8, moving(astronaut, 2))
    with collecting() as collector:
        with structlog.testing.capture_logs() as lines:
            async with running(config(collector, tmp_path)) as app:
                call = connect(app).MonitorStream(metadata=(PARENT,))
                delivery = pb.DELIVERY_COMPLETE
                await call.write(config_request("alice", call_id="c", encoding=encoding, delivery=delivery))
                for sequence, data in enumerate(pictures):
                    await call.write(frame_request(data, sequence))
                await call.done_writing()
                await read_rest(call)
                named = await asyncio.to_thread(exemplars, app.metrics_url)
        spans = collector.spans(1)  # those that waited came as the server drained
    frames = [span for span in spans if span.name == "frame"]
    assert [attributes(span)["facegauge.sequence"] for span in frames] == [0, 1]
    assert [link.trace_id.hex() for span in frames for link in span.links] == [TRACE, TRACE]
    assert bool(named) is (encoding == pb.FRAME_ENCODING_JPEG), "coded video on demand has no total time"
    assert named <= {span.trace_id.hex() for span in frames}
    stages = {span.name for span in spans} - {"frame", "wait", "work"}
    assert stages >= {"decode" if encoding == pb.FRAME_ENCODING_JPEG else "decode_video", "locate"}
    (opened,) = (line for line in lines if line["event"] == "stream opened")
    assert opened["trace_id"] == TRACE
    counted = app.metrics.registry.get_sample_value("facegauge_trace_spans_total", {"result": "exported"})
    assert counted == len(spans)


async def test_a_picture_is_part_of_its_callers_trace(
    connect: Connect, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    """Below the span that the caller names."""
    with collecting() as collector:
        async with running(config(collector, tmp_path)) as app:
            image = pb.AssessImageRequest(data=portrait_jpeg)
            await connect(app).AssessImage(image, metadata=(PARENT,))
        (frame,) = (span for span in collector.spans(1) if span.name == "frame")
    assert (frame.trace_id.hex(), frame.parent_span_id.hex()) == (TRACE, PARENT[1].split("-")[2])
    assert attributes(frame)["rpc.method"] == "AssessImage"
