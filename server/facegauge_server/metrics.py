"""Instruments that the server exports to Prometheus.

The fleet's counters and histograms are ordinary instruments in a registry of their own, which
`monitoring/endpoint.py` serves. Series of live streams and of worker processes come from collectors that read
the session table and the pool at scrape time: `monitoring/session_collector.py`, `workers/collector.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)

from facegauge_server.kinds import EventKind
from facegauge_server.types import CauseKind, FrameResult, StreamSummary

__all__ = ["Metrics", "RestartReason", "ResumeResult", "SpanResult", "Stage", "WebhookResult"]

DefectStage = Literal["pipeline", "rpc", "chore"]
RestartReason = Literal["crash", "timeout", "start"]
ResumeResult = Literal["session", "checkpoint", "refused"]
SpanResult = Literal["exported", "failed", "dropped"]
WebhookResult = Literal["delivered", "failed", "dropped"]
Stage = Literal["worker_wait", "decode_video", "decode", "locate", "crop", "engine_wait", "score", "total"]

STAGE_BUCKETS_S = (
    0.0005,
    0.001,
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
    0.128,
    0.256,
    0.512,
    1.0,
    2.0,
    5.0,
)
QUALITY_BUCKETS = tuple(step / 20 for step in range(1, 20))
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Instruments of the whole server. Thread-safe: stages run on worker threads."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._frames = Counter("facegauge_frames", "Frames by result", ["result"], registry=registry)
        self._stage_s = Histogram(
            "facegauge_stage_duration_seconds",
            "Time per frame (`decode_video`: per run of coded units, `score`: per engine batch) in a stage; "
            "`total` runs from receipt, or from when a limit let the frame pass, to assessment",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=registry,
        )
        self._batch_size = Histogram(
            "facegauge_batch_size",
            "Crops per call of the engine",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._quality = Histogram(
            "facegauge_quality_ratio",
            "Raw quality of every scored face",
            buckets=QUALITY_BUCKETS,
            registry=registry,
        )
        self._session_quality = Histogram(
            "facegauge_session_quality_ratio",
            "Mean smoothed quality of a stream, observed as it ends",
            buckets=QUALITY_BUCKETS,
            registry=registry,
        )
        self._cause_s = Counter(
            "facegauge_cause_seconds",
            "Seconds of streams (capture time) with a cause named: a fault of the stream, or a cause of the "
            "picture that reached --cause-threshold",
            ["cause"],
            registry=registry,
        )
        for kind in CauseKind:  # so that the series are there before the first one
            self._cause_s.labels(kind)
        self._units_decoded = Counter(
            "facegauge_units_decoded",
            "Units of coded video that were decoded, scored or not",
            registry=registry,
        )
        self._keyframe_requests = Counter(
            "facegauge_keyframe_requests",
            "Times that a client was told to ask its sender for a keyframe",
            registry=registry,
        )
        self._worker_restarts = Counter(
            "facegauge_worker_restarts",
            "Worker processes replaced after a `crash`, a `timeout` (--frame-timeout) or a failed `start`",
            ["reason"],
            registry=registry,
        )
        for reason in get_args(RestartReason):  # so that the series are there before the first one
            self._worker_restarts.labels(reason)
        self._errors = Counter(
            "facegauge_errors",
            "Defects of the server by stage; the log explains each",
            ["stage"],
            registry=registry,
        )
        for stage in get_args(DefectStage):
            self._errors.labels(stage)
        self._model_info = Gauge(
            "facegauge_model_info",
            "Always 1; the labels name the student in use",
            ["model", "engine", "precision", "sha256"],
            registry=registry,
        )
        self._draining = Gauge("facegauge_draining", "1 while the server is draining", registry=registry)
        self._in_flight = Gauge(
            "facegauge_frames_in_flight",
            "Frames being decoded, located, cropped or scored; at most two per worker",
            registry=registry,
        )
        self._loop_lag_s = Histogram(
            "facegauge_event_loop_lag_seconds",
            "Delay of the event loop's timers, sampled ten times per second",
            buckets=STAGE_BUCKETS_S,
            registry=registry,
        )
        events = Counter("facegauge_events", "What happened to streams, by kind", ["kind"], registry=registry)
        self._event_of = {kind: events.labels(kind) for kind in EventKind}
        webhook = Counter(
            "facegauge_webhook_events",
            "What became of events for --webhook-url: `delivered`, `failed` (refused or given up), `dropped` "
            "(for want of room, or as the server ended)",
            ["result"],
            registry=registry,
        )
        self._webhook_of = {result: webhook.labels(result) for result in get_args(WebhookResult)}
        resumptions = Counter(
            "facegauge_resumptions",
            "Streams that another connection goes on with: with the `session` that this server had, from a "
            "`checkpoint`, or not, as the checkpoint was `refused`",
            ["result"],
            registry=registry,
        )
        self._resumption_of = {result: resumptions.labels(result) for result in get_args(ResumeResult)}
        self._webhook_retries = Counter(
            "facegauge_webhook_retries", "Attempts to deliver an event that are made again", registry=registry
        )
        spans = Counter(
            "facegauge_trace_spans",
            "What became of spans for --otlp-endpoint: `exported`, `failed`, `dropped` (for want of room, or "
            "as the server ended)",
            ["result"],
            registry=registry,
        )
        self._spans_of = {result: spans.labels(result) for result in get_args(SpanResult)}
        # `labels` takes a lock and a look-up; these are used several times per frame.
        self._frames_of = {result: self._frames.labels(result) for result in FrameResult}
        self._stage_of: dict[str, Histogram] = {
            stage: self._stage_s.labels(stage) for stage in get_args(Stage)
        }

    def count_frames(self, result: FrameResult, count: int = 1) -> None:
        """Count frames of any stream."""
        if count:
            self._frames_of[result].inc(count)

    def count_decoded(self, units: int) -> None:
        """Count units of coded video that were decoded."""
        self._units_decoded.inc(units)

    def count_keyframe_request(self) -> None:
        """Count a client that was told to ask for a keyframe."""
        self._keyframe_requests.inc()

    def observe_stage(self, stage: str, duration_s: float, trace_id: str | None = None) -> None:
        """Note how long a stage took, with the trace to look at as its exemplar."""
        self._stage_of[stage].observe(duration_s, {"trace_id": trace_id} if trace_id else None)

    def count_spans(self, result: SpanResult, spans: int) -> None:
        """Count spans of traces; from any thread."""
        self._spans_of[result].inc(spans)

    def in_flight(self) -> AbstractContextManager[object]:
        """Count a frame as in flight while the block runs."""
        return self._in_flight.track_inprogress()

    def observe_loop_lag(self, lag_s: float) -> None:
        """Note how late the event loop was."""
        self._loop_lag_s.observe(lag_s)

    def observe_batch(self, size: int) -> None:
        """Note a call of the engine with `size` crops."""
        self._batch_size.observe(size)

    def observe_quality(self, raw_quality: float) -> None:
        """Note a scored face."""
        self._quality.observe(raw_quality)

    def observe_session(self, summary: StreamSummary) -> None:
        """Note a stream that ended."""
        if summary.mean_quality is not None:
            self._session_quality.observe(summary.mean_quality)

    def count_causes(self, seconds: Mapping[CauseKind, float]) -> None:
        """Count time that has passed with causes named."""
        for kind, passed_s in seconds.items():
            self._cause_s.labels(kind).inc(passed_s)

    def count_worker_restart(self, reason: RestartReason) -> None:
        """Count a worker process that had to be replaced."""
        self._worker_restarts.labels(reason).inc()

    def count_error(self, stage: str) -> None:
        """Count a defect of the server."""
        self._errors.labels(stage).inc()

    def count_event(self, event_kind: EventKind) -> None:
        """Count something that happened to a stream."""
        self._event_of[event_kind].inc()

    def count_resumption(self, result: ResumeResult) -> None:
        """Count an attempt to go on with a stream."""
        self._resumption_of[result].inc()

    def count_webhook(self, result: WebhookResult) -> None:
        """Count what became of an event for the webhook."""
        self._webhook_of[result].inc()

    def count_webhook_retry(self) -> None:
        """Count an attempt for the webhook that failed and is made again."""
        self._webhook_retries.inc()

    def set_model(self, model: str, engine: str, precision: str, sha256: str) -> None:
        """Export which student is in use."""
        self._model_info.labels(model, engine, precision, sha256).set(1)

    def set_draining(self) -> None:
        """Mark the server as draining."""
        self._draining.set(1)
