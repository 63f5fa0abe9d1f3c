"""Prometheus series of the live streams, read from the session table at every scrape.

They are gone with their stream, since nothing is kept between scrapes.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from facegauge_server.calibration import ServedModel
from facegauge_server.streams.session import Session
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.types import Fault, FrameResult, StreamState

__all__ = ["SessionCollector"]

STREAM_LABELS = ["stream_id", "call_id", "tenant"]
"""An empty tenant is to Prometheus as no label."""


class SessionCollector(Collector):
    """Exports series of the live streams, read from the table at every scrape."""

    def __init__(self, table: SessionTable, max_exported: int, model: ServedModel) -> None:
        self._table = table
        self._model = model
        self._max_exported = max_exported

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families; the newest streams, those beyond the cap, are only counted."""
        sessions = self._table.snapshot()
        exported = sessions[: self._max_exported]
        yield GaugeMetricFamily("facegauge_streams_active", "Live streams", value=len(sessions))
        yield GaugeMetricFamily(
            "facegauge_streams_unexported",
            "Live streams beyond --max-exported-streams, which have no series of their own",
            value=len(sessions) - len(exported),
        )
        yield from _stream_families(exported)
        yield from _traffic_families(exported)
        yield from _cause_families(exported)
        if self._model.calibration is not None:
            yield _mos_family(exported, self._model)


def _mos_family(sessions: list[Session], model: ServedModel) -> Metric:
    family = GaugeMetricFamily(
        "facegauge_stream_mos_estimate",
        "Mean opinion score of a stream, 1-5, estimated by the operator's calibration",
        labels=STREAM_LABELS,
    )
    for session in sessions:
        if (mos := model.mos(session.quality.quality)) is not None:
            family.add_metric(_ids(session), mos.value)
    return family


def _cause_families(sessions: list[Session]) -> Iterator[Metric]:
    labels = [*STREAM_LABELS, "cause"]
    impairment = GaugeMetricFamily(
        "facegauge_stream_impairment_ratio",
        "Quality of a stream's main face, 0-1, that would come back if this cause alone were gone",
        labels=labels,
    )
    fault = GaugeMetricFamily(
        "facegauge_stream_fault", "1 while this fault of a stream lasts; no series else", labels=labels
    )
    for session in sessions:
        ids = _ids(session)
        for cause in session.quality.causes:
            if isinstance(cause, Fault):
                fault.add_metric([*ids, cause.kind], 1.0)
            else:
                impairment.add_metric([*ids, cause.kind], cause.cost)
    yield from (impairment, fault)


def _traffic_families(sessions: list[Session]) -> Iterator[Metric]:
    received = CounterMetricFamily(
        "facegauge_stream_received_bytes", "Bytes of a stream's frames that arrived", labels=STREAM_LABELS
    )
    keyframes = CounterMetricFamily(
        "facegauge_stream_keyframes", "Keyframes of a stream of coded video", labels=STREAM_LABELS
    )
    breaks = CounterMetricFamily(
        "facegauge_stream_decoding_breaks",
        "Times that a stream's coded video could not be decoded before its next keyframe, since units were "
        "missing or damaged",
        labels=STREAM_LABELS,
    )
    for session in sessions:
        ids, traffic = _ids(session), session.traffic
        received.add_metric(ids, traffic.received_bytes)
        if session.settings.encoding.is_coded:
            keyframes.add_metric(ids, traffic.keyframes)
            breaks.add_metric(ids, traffic.breaks)
    yield from (received, keyframes, breaks)


def _ids(session: Session) -> list[str]:
    return [session.settings.stream_id, session.settings.call_id, session.tenant]


def _stream_families(sessions: list[Session]) -> Iterator[Metric]:
    stream = STREAM_LABELS
    quality = GaugeMetricFamily(
        "facegauge_stream_quality_ratio", "Smoothed quality of a stream's main face, 0-1", labels=stream
    )
    faces = GaugeMetricFamily("facegauge_stream_faces", "Faces in a stream's last frame", labels=stream)
    state = GaugeMetricFamily(
        "facegauge_stream_state",
        "1 for the state that a stream is in, 0 for all others",
        labels=[*stream, "state"],
    )
    last_frame = GaugeMetricFamily(
        "facegauge_stream_last_frame_timestamp_seconds",
        "Unix time at which a stream's last frame arrived",
        labels=stream,
    )
    frames = CounterMetricFamily(
        "facegauge_stream_frames", "Frames of a stream by result", labels=[*stream, "result"]
    )
    for session in sessions:
        ids = _ids(session)
        now = session.quality
        if now.quality is not None:
            quality.add_metric(ids, now.quality)
        faces.add_metric(ids, len(now.faces))
        for one in StreamState:
            state.add_metric([*ids, one], float(one is now.state))
        if session.last_frame_wall_s is not None:
            last_frame.add_metric(ids, session.last_frame_wall_s)
        for result in FrameResult:
            frames.add_metric([*ids, result], session.frames[result])
    yield from (quality, faces, state, last_frame, frames)
