"""The sessions that are there: carried, counted and found again by their id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from facegauge_gateway.metrics import Metrics
from facegauge_gateway.sources import Source, SourceTotals, export_sources
from facegauge_gateway.whip_door.session import WhipSession
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics

__all__ = ["Sessions"]


class Sessions:
    """Publishers from their admission to their end."""

    def __init__(self, metrics: Metrics, whip_metrics: WhipMetrics) -> None:
        self._whip_metrics = whip_metrics
        self._totals = SourceTotals(metrics.registry)
        export_sources(metrics.registry, self._sources)
        self._sessions: dict[str, WhipSession] = {}
        self._running: set[asyncio.Task[None]] = set()

    def get(self, session_id: str) -> WhipSession | None:
        """Return a session that is there."""
        return self._sessions.get(session_id)

    def run(self, session: WhipSession, gone: Callable[[], None]) -> None:
        """Carry a session until its end, and call `gone` then."""
        self._sessions[session.id] = session
        self._whip_metrics.sessions.set(len(self._sessions))
        uncounted = self._totals.track(session.camera.statistics)
        session.log.info("publisher admitted")

        def forget(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            del self._sessions[session.id]
            uncounted()
            gone()
            self._whip_metrics.sessions.set(len(self._sessions))
            if not task.cancelled() and (error := task.exception()) is not None:
                session.log.defect("a session failed", error)

        task = asyncio.create_task(session.run(), name=f"whip {session.stream.settings.stream_id}")
        self._running.add(task)
        task.add_done_callback(forget)

    async def drain(self) -> None:
        """Finish those that are there."""
        for session in self._sessions.values():
            session.end("drained")
        if self._running:
            await asyncio.wait(self._running)

    def _sources(self) -> Iterable[Source]:
        for session in self._sessions.values():
            settings, camera = session.stream.settings, session.camera
            if camera.ssrc is not None:
                yield Source(settings.stream_id, settings.call_id, camera.ssrc, camera.statistics)
