"""An event as a CloudEvent 1.0 in JSON's structured mode; its data have the proto's field names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from facegauge_server.events.event import Event
from facegauge_server.types import Fault, FrameResult, NamedCause, StreamSummary

__all__ = ["CONTENT_TYPE", "cloud_event"]

CONTENT_TYPE = "application/cloudevents+json"


def cloud_event(event: Event) -> bytes:
    """Encode an event. The same event gives the same bytes, whenever it is sent."""
    envelope = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/facegauge/{event.instance_id}",
        "type": f"facegauge.v1.{event.kind}",
        "subject": event.stream_id,
        "time": datetime.fromtimestamp(event.time_s, UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": _data(event),
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def _data(event: Event) -> dict[str, Any]:
    """Return what `facegauge events` prints of it; what does not exist is left out."""
    data = {
        "sequence": event.sequence,
        "instance_id": event.instance_id,
        "time_s": event.time_s,
        "tenant": event.tenant,
        "call_id": event.call_id,
        "stream_id": event.stream_id,
        "kind": event.kind,
        "quality": event.quality,
        "band": event.band or "unspecified",
        "previous_band": event.previous_band or "unspecified",
        "cause": None if event.cause is None else _cause(event.cause),
        "duration_s": event.duration_s,
        "summary": None if event.summary is None else _summary(event.summary, event.stream_id),
        "frames_shed": event.frames_shed,
        "streams_shed": event.streams_shed,
        "text": event.text,
    }
    return {name: value for name, value in data.items() if value is not None}


def _cause(cause: NamedCause) -> dict[str, Any]:
    figures = {"value": cause.value} if isinstance(cause, Fault) else {"cost": cause.cost}
    return {"kind": cause.kind, **figures, "threshold": cause.threshold}


def _summary(summary: StreamSummary, stream_id: str) -> dict[str, Any]:
    frames = summary.frames
    data = {
        "stream_id": stream_id,
        "mean_quality": summary.mean_quality,
        "p10_quality": summary.p10_quality,
        "state_times": [
            {"state": state, "seconds": seconds} for state, seconds in summary.state_times_s.items()
        ],
        "frames_scored": frames.get(FrameResult.SCORED, 0),
        "frames_no_face": frames.get(FrameResult.NO_FACE, 0),
        "frames_too_small": frames.get(FrameResult.TOO_SMALL, 0),
        "frames_dropped": frames.get(FrameResult.DROPPED, 0),
        "frames_failed": frames.get(FrameResult.ERROR, 0),
        "frames_skipped": frames.get(FrameResult.SKIPPED, 0),
        "frames_not_decoded": frames.get(FrameResult.NOT_DECODED, 0),
        "cause_times": [
            {"kind": kind, "seconds": seconds} for kind, seconds in summary.cause_times_s.items()
        ],
    }
    return {name: value for name, value in data.items() if value is not None}
