"""An event as a CloudEvent 1.0 in JSON's structured mode; its data have the proto's field names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from facegauge_server.events.event import Event
from facegauge_server.summary_fields import summary_fields
from facegauge_server.types import Fault, NamedCause

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
    summary = None if event.summary is None else summary_fields(event.summary, event.stream_id)
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
        "summary": None if summary is None else _existing(summary),
        "frames_shed": event.frames_shed,
        "streams_shed": event.streams_shed,
        "text": event.text,
    }
    return _existing(data)


def _existing(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _cause(cause: NamedCause) -> dict[str, Any]:
    figures = {"value": cause.value} if isinstance(cause, Fault) else {"cost": cause.cost}
    return {"kind": cause.kind, **figures, "threshold": cause.threshold}
