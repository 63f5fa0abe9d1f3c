"""An event: one thing that happened to one stream, with the figures that explain it."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_server.kinds import EventKind, QualityBand
from facegauge_server.types import NamedCause, StreamSummary

__all__ = ["Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one stream; what does not belong to its kind is None, 0 or empty."""

    kind: EventKind
    tenant: str
    call_id: str
    stream_id: str
    quality: float | None = None
    """Smoothed, at that moment."""
    band: QualityBand | None = None
    previous_band: QualityBand | None = None
    cause: NamedCause | None = None
    duration_s: float | None = None
    """How long the cause, or the stream, lasted."""
    summary: StreamSummary | None = None
    frames_shed: int = 0
    streams_shed: int = 0
    text: str = ""
    """For people."""
    sequence: int = 0
    """Its place among the tenant's events; the log gives it, as all below."""
    time_s: float = 0.0
    """Unix time."""
    instance_id: str = ""
    """Names the life of the log that the sequence counts in."""

    @property
    def id(self) -> str:
        """Name of this event among all events of all servers."""
        return f"{self.instance_id}-{self.sequence}"
