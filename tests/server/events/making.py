"""Events without figures, for tests of where they go."""

from __future__ import annotations

from facegauge_server.events.event import Event
from facegauge_server.kinds import EventKind

__all__ = ["event"]


def event(
    stream_id: str = "s", tenant: str = "", call_id: str = "c", kind: EventKind = EventKind.STREAM_BEGAN
) -> Event:
    """An event as a session makes it, without a number."""
    return Event(kind, tenant, call_id, stream_id)
