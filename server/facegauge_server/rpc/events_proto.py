"""Events and calls: what a watcher asks for to our types, and our types to responses."""

from __future__ import annotations

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.calibration import ServedModel
from facegauge_server.enum_numbers import members_by_number, number
from facegauge_server.errors import InvalidConfig
from facegauge_server.events.event import Event
from facegauge_server.events.watch import EventBatch, EventQuery
from facegauge_server.kinds import EventKind, QualityBand
from facegauge_server.rpc.to_proto import cause_message, summary_message
from facegauge_server.streams.calls import CallStatus

__all__ = ["batch_message", "call_message", "query_from"]

_KINDS = members_by_number(EventKind, pb.EventKind.Value, "EVENT_KIND_")


def query_from(request: pb.WatchEventsRequest) -> EventQuery:
    """Read what a watcher asks for; raises InvalidConfig."""
    unknown = [kind for kind in request.kinds if kind not in _KINDS]
    if unknown:
        raise InvalidConfig({"kinds": f"{unknown[0]} is no value of this enum"})
    return EventQuery(
        call_id=request.call_id,
        kinds=frozenset(_KINDS[kind] for kind in request.kinds),
        instance_id=request.instance_id,
        after_sequence=request.after_sequence if request.HasField("after_sequence") else None,
    )


def batch_message(batch: EventBatch, model: ServedModel) -> pb.WatchEventsResponse:
    """Encode events."""
    return pb.WatchEventsResponse(
        instance_id=batch.instance_id,
        last_sequence=batch.last_sequence,
        missed=batch.missed,
        restarted=batch.restarted,
        events=[_event_message(event, model) for event in batch.events],
    )


def call_message(call: CallStatus) -> pb.CallStatus:
    """Describe a call for an operator."""
    return pb.CallStatus(
        call_id=call.call_id,
        streams=call.streams,
        streams_scored=call.streams_scored,
        least_quality=call.least_quality,
        mean_quality=call.mean_quality,
        worst_stream_id=call.worst_stream_id,
        main_cause=None if call.main_cause is None else cause_message(call.main_cause),
        main_cause_streams=call.main_cause_streams,
        poor_s=call.poor_s,
    )


def _event_message(event: Event, model: ServedModel) -> pb.Event:
    summary = event.summary
    return pb.Event(
        sequence=event.sequence,
        time_s=event.time_s,
        tenant=event.tenant,
        call_id=event.call_id,
        stream_id=event.stream_id,
        kind=number(pb.EventKind.Value, "EVENT_KIND_", event.kind),
        quality=event.quality,
        band=_band_number(event.band),
        previous_band=_band_number(event.previous_band),
        cause=None if event.cause is None else cause_message(event.cause),
        duration_s=event.duration_s,
        summary=None if summary is None else summary_message(summary, event.stream_id, model),
        frames_shed=event.frames_shed,
        streams_shed=event.streams_shed,
        text=event.text,
    )


def _band_number(band: QualityBand | None) -> pb.QualityBand.ValueType:
    if band is None:
        return pb.QUALITY_BAND_UNSPECIFIED
    return number(pb.QualityBand.Value, "QUALITY_BAND_", band)
