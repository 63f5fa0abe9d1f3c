"""What Prometheus sees: a live stream's series while it lives, the fleet's always."""

import cv2
import numpy as np

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.calibration import ServedModel
from facegauge_server.config import Config, Limits, StreamSettings
from facegauge_server.monitoring.session_collector import SessionCollector
from facegauge_server.streams.session_table import SessionTable

from .conftest import Connect, StartServer, config_request, frame_request, read_rest
from .scraping import Samples, scrape, scraped_until

FLEET = {
    "facegauge_streams_active",
    "facegauge_frames_total",
    "facegauge_stage_duration_seconds_count",
    "facegauge_batch_size_count",
    "facegauge_quality_ratio_count",
    "facegauge_session_quality_ratio_count",
    "facegauge_model_info",
    "facegauge_draining",
    "facegauge_streams_unexported",
    "facegauge_frames_in_flight",
    "facegauge_event_loop_lag_seconds_count",
}
PER_STREAM = {
    "facegauge_stream_quality_ratio",
    "facegauge_stream_faces",
    "facegauge_stream_state",
    "facegauge_stream_last_frame_timestamp_seconds",
    "facegauge_stream_frames_total",
}


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


async def test_series_live_as_long_as_their_stream(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """A stream's series appear with it and are gone as it ends; the fleet's counters stay."""
    app = await start_server()
    assert not names(await scrape(app)) & PER_STREAM
    call = connect(app).MonitorStream()
    await call.write(config_request("s", call_id="c"))
    await call.write(frame_request(portrait_jpeg))
    for _ in range(2):
        await call.read()
    live = await scraped_until(app, lambda samples: names(samples) >= PER_STREAM)
    assert names(live) >= FLEET
    ids = (("call_id", "c"), ("stream_id", "s"), ("tenant", ""))
    assert 0 < live["facegauge_stream_quality_ratio", ids] <= 1
    assert live["facegauge_stream_state", (ids[0], ("state", "scored"), *ids[1:])] == 1
    assert live["facegauge_stream_frames_total", (ids[0], ("result", "scored"), *ids[1:])] == 1
    assert live["facegauge_streams_active", ()] == 1
    await call.done_writing()
    await read_rest(call)
    after = await scraped_until(app, lambda samples: not names(samples) & PER_STREAM)
    assert after["facegauge_streams_active", ()] == 0
    assert after["facegauge_frames_total", (("result", "scored"),)] == 1
    assert after["facegauge_session_quality_ratio_count", ()] == 1
    assert after["facegauge_frames_in_flight", ()] == 0
    for stage in ("worker_wait", "decode", "locate", "crop", "engine_wait", "score", "total"):
        assert after["facegauge_stage_duration_seconds_count", (("stage", stage),)] == 1


async def test_batches_are_counted_as_they_were_made(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """On a CPU each face is a call of the engine of its own: two faces are two batches of one."""
    portrait = cv2.imdecode(np.frombuffer(portrait_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert portrait is not None
    pair = cv2.imencode(".jpg", np.hstack([portrait, portrait]))[1].tobytes()
    app = await start_server()
    response = await connect(app).AssessImage(pb.AssessImageRequest(data=pair))
    assert len(response.assessment.faces) == 2
    samples = await scrape(app)
    assert samples["facegauge_batch_size_count", ()] == 2
    assert samples["facegauge_batch_size_sum", ()] == 2
    assert samples["facegauge_batch_size_bucket", (("le", "1.0"),)] == 2


async def test_streams_beyond_the_cap_are_counted() -> None:
    """A flood of streams cannot flood Prometheus: the oldest keep their series, the rest are a number."""
    table = SessionTable(Config(limits=Limits(max_exported_streams=2)))
    for number in range(5):
        table.open(StreamSettings(stream_id=f"{number}"), now_s=0.0)
    families = {
        family.name: family for family in SessionCollector(table, 2, ServedModel("tiny", "0")).collect()
    }
    assert families["facegauge_streams_active"].samples[0].value == 5
    assert families["facegauge_streams_unexported"].samples[0].value == 3
    faces = families["facegauge_stream_faces"].samples
    assert {sample.labels["stream_id"] for sample in faces} == {"0", "1"}
