"""The metrics that the server exports, with their labels: API, so a change here needs a changelog entry."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from facegauge.v1 import quality_pb2 as pb
from tests.tiny_student import OUTPUTS, write_tiny_student

from .conftest import Connect, StartServer, config_request, frame_request
from .scraping import read_metrics

STREAM = ("call_id", "stream_id", "tenant")

EXPORTED = {
    # name as PromQL has it, without a histogram's suffixes: (type, labels)
    "facegauge_batch_size": ("histogram", ()),
    "facegauge_cause_seconds_total": ("counter", ("cause",)),
    "facegauge_draining": ("gauge", ()),
    "facegauge_errors_total": ("counter", ("stage",)),
    "facegauge_event_loop_lag_seconds": ("histogram", ()),
    "facegauge_events_total": ("counter", ("kind",)),
    "facegauge_frames_in_flight": ("gauge", ()),
    "facegauge_frames_total": ("counter", ("result",)),
    "facegauge_keyframe_requests_total": ("counter", ()),
    "facegauge_model_info": ("gauge", ("engine", "model", "precision", "sha256")),
    "facegauge_quality_ratio": ("histogram", ()),
    "facegauge_ready": ("gauge", ()),
    "facegauge_resumptions_total": ("counter", ("result",)),
    "facegauge_session_quality_ratio": ("histogram", ()),
    "facegauge_stage_duration_seconds": ("histogram", ("stage",)),
    "facegauge_stream_decoding_breaks_total": ("counter", ()),  # with the stream's labels, of coded video
    "facegauge_stream_faces": ("gauge", STREAM),
    "facegauge_stream_fault": ("gauge", ()),  # with `cause` and the stream's labels, while there is one
    "facegauge_stream_frames_total": ("counter", ("call_id", "result", "stream_id", "tenant")),
    "facegauge_stream_impairment_ratio": ("gauge", ("call_id", "cause", "stream_id", "tenant")),
    "facegauge_stream_keyframes_total": ("counter", ()),  # as the breaks
    "facegauge_stream_last_frame_timestamp_seconds": ("gauge", STREAM),
    "facegauge_stream_quality_ratio": ("gauge", STREAM),
    "facegauge_stream_received_bytes_total": ("counter", STREAM),
    "facegauge_stream_state": ("gauge", ("call_id", "state", "stream_id", "tenant")),
    "facegauge_streams_active": ("gauge", ()),
    "facegauge_streams_unexported": ("gauge", ()),
    "facegauge_trace_spans_total": ("counter", ("result",)),
    "facegauge_units_decoded_total": ("counter", ()),
    "facegauge_webhook_events_total": ("counter", ("result",)),
    "facegauge_webhook_queue_length": ("gauge", ()),
    "facegauge_webhook_retries_total": ("counter", ()),
    "facegauge_worker_cpu_seconds_total": ("counter", ()),
    "facegauge_worker_resident_memory_bytes": ("gauge", ()),
    "facegauge_worker_restarts_total": ("counter", ("reason",)),
    "facegauge_workers_serving": ("gauge", ()),
}


async def test_the_server_exports_these_metrics_and_no_others(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes, tmp_path: Path
) -> None:
    """A scrape during a live stream has exactly these families, types and labels beside the process's own."""
    app = await start_server(model=str(write_tiny_student(tmp_path, outputs=OUTPUTS)))
    call = connect(app).MonitorStream()
    await call.write(config_request("s", call_id="c"))
    await call.write(frame_request(portrait_jpeg))
    kind = None
    while kind != "assessment":
        response = await call.read()
        assert isinstance(response, pb.MonitorStreamResponse)
        kind = response.WhichOneof("message")
    families = list(text_string_to_metric_families(await read_metrics(app)))
    call.cancel()
    exported = {
        f"{family.name}_total" if family.type == "counter" else family.name: (
            family.type,
            tuple(sorted({label for sample in family.samples for label in sample.labels} - {"le"})),
        )
        for family in families
        # prometheus_client says when a counter or histogram began in a gauge of its own.
        if not family.name.endswith("_created")
    }
    others = {name for name in exported if not name.startswith("facegauge_")}
    assert all(name.startswith("process_") for name in others)
    assert {name: exported[name] for name in exported.keys() - others} == EXPORTED
