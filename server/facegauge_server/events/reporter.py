"""One stream's reporter: compares what is known of the stream with what was, and tells the difference.

It also counts the time in the lowest band. Everything runs on the event loop; `now_s` is the server's
monotonic clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from facegauge_server.events.bands import BandTracker
from facegauge_server.events.event import Event
from facegauge_server.kinds import CauseKind, EventKind, QualityBand
from facegauge_server.snapshots import ReporterSnapshot
from facegauge_server.types import NamedCause, StreamQuality, StreamSummary

__all__ = ["Report", "StreamReporter"]

SHED_INTERVAL_S = 10.0
"""Least time between two events of one stream about frames that were shed."""

Report = Callable[[Event], None]


class StreamReporter:
    """Tells what happens to one stream."""

    def __init__(self, report: Report, tenant: str, call_id: str, stream_id: str, now_s: float) -> None:
        self._report = report
        self._tenant, self._call_id, self._stream_id = tenant, call_id, stream_id
        self._band = BandTracker()
        self._quality: float | None = None
        self._causes_since_s: dict[CauseKind, float] = {}
        self._cause_changes: list[tuple[EventKind, NamedCause, float | None]] = []
        self._began_s = self._at_s = now_s
        self._poor_s = 0.0
        self._frames_shed = 0
        self._shed_told_s = -math.inf

    def began(self) -> None:
        """Tell that the stream has begun."""
        self._tell(EventKind.STREAM_BEGAN)

    def resumed(self) -> None:
        """Tell that another connection goes on with it."""
        self._tell(EventKind.STREAM_RESUMED)

    def follow(self, quality: StreamQuality, now_s: float) -> None:
        """Take note of the stream's quality and of what is wrong with it."""
        self._pass_time(now_s)
        self._quality = quality.quality
        previous = self._band.band
        if self._band.follow(quality.quality):
            self._tell(EventKind.BAND_CHANGED, previous_band=previous, cause=quality.main_cause)
        self._tell_causes()

    def note_causes(self, began: Iterable[NamedCause], ended: Iterable[NamedCause], at_s: float) -> None:
        """Take note of causes that began and ended, at a capture time; the next `follow` tells them."""
        for cause in ended:
            since_s = self._causes_since_s.pop(cause.kind, at_s)
            self._cause_changes.append((EventKind.CAUSE_ENDED, cause, at_s - since_s))
        for cause in began:
            self._causes_since_s[cause.kind] = at_s
            self._cause_changes.append((EventKind.CAUSE_BEGAN, cause, None))

    def shed_frames(self, count: int) -> None:
        """Take note of frames that were dropped for want of workers or quota."""
        self._frames_shed += count

    def check_shed(self, now_s: float) -> None:
        """Tell how many frames were shed, if any were and it is time."""
        if self._frames_shed and now_s - self._shed_told_s >= SHED_INTERVAL_S:
            self._tell(EventKind.FRAMES_SHED, frames_shed=self._frames_shed)
            self._frames_shed, self._shed_told_s = 0, now_s

    def shed(self, why: str) -> None:
        """Tell that the stream has to go."""
        self._tell(EventKind.STREAM_SHED, streams_shed=1, text=why)

    def ended(self, summary: StreamSummary, why: str, now_s: float) -> None:
        """Tell that the stream has ended."""
        self._pass_time(now_s)
        self._tell_causes()
        self._shed_told_s = -math.inf
        self.check_shed(now_s)
        self._tell(EventKind.STREAM_ENDED, duration_s=now_s - self._began_s, summary=summary, text=why)

    def poor_s(self, now_s: float) -> float:
        """Return the seconds that the stream has spent in the lowest band."""
        self._pass_time(now_s)
        return self._poor_s

    def snapshot(self, now_s: float) -> ReporterSnapshot:
        """Return what has been told."""
        told_s = self._shed_told_s
        return ReporterSnapshot(
            self._band.band,
            tuple(self._causes_since_s.items()),
            self.poor_s(now_s),
            self._frames_shed,
            now_s - told_s if math.isfinite(told_s) else None,
        )

    def restore(
        self, snapshot: ReporterSnapshot, quality: float | None, began_s: float, now_s: float
    ) -> None:
        """Go on from a snapshot that was taken at a time of this server's clock: nothing is told twice."""
        self._band.band, self._quality = snapshot.band, quality
        self._causes_since_s = dict(snapshot.causes_since_s)
        self._poor_s, self._frames_shed = snapshot.poor_s, snapshot.frames_shed
        if snapshot.shed_told_age_s is not None:
            self._shed_told_s = now_s - snapshot.shed_told_age_s
        self._began_s, self._at_s = began_s, now_s

    def _tell_causes(self) -> None:
        changes, self._cause_changes = self._cause_changes, []
        for kind, cause, duration_s in changes:
            self._tell(kind, cause=cause, duration_s=duration_s)

    def _pass_time(self, now_s: float) -> None:
        if self._band.band is QualityBand.POOR:
            self._poor_s += now_s - self._at_s
        self._at_s = now_s

    def _tell(
        self,
        kind: EventKind,
        *,
        previous_band: QualityBand | None = None,
        cause: NamedCause | None = None,
        duration_s: float | None = None,
        summary: StreamSummary | None = None,
        frames_shed: int = 0,
        streams_shed: int = 0,
        text: str = "",
    ) -> None:
        self._report(
            Event(
                kind,
                self._tenant,
                self._call_id,
                self._stream_id,
                quality=self._quality,
                band=self._band.band,
                previous_band=previous_band,
                cause=cause,
                duration_s=duration_s,
                summary=summary,
                frames_shed=frames_shed,
                streams_shed=streams_shed,
                text=text,
            )
        )
