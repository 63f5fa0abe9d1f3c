"""What the server says, ready for JSON, with every cause in words for people."""

from __future__ import annotations

from typing import Any

from facegauge_client import Cause, Event, StreamStatus
from facegauge_client.cause_words import cause_words

__all__ = ["event_dict", "status_dict", "worded"]


def worded(cause: Cause) -> dict[str, Any]:
    """Return a cause with the interface's field names, and `words`."""
    return {**cause.to_dict(), "words": cause_words(cause)}


def status_dict(status: StreamStatus) -> dict[str, Any]:
    """Return a stream with the interface's field names."""
    fields = {**status.to_dict(), "causes": [worded(cause) for cause in status.causes]}
    if status.main_cause is not None:
        fields["main_cause"] = worded(status.main_cause)
    return fields


def event_dict(event: Event) -> dict[str, Any]:
    """Return an event with the interface's field names."""
    return event.to_dict() if event.cause is None else {**event.to_dict(), "cause": worded(event.cause)}
