"""Score single pictures, without a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from facegauge_server.admission.fair_queue import Flow
from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.config import Config
from facegauge_server.errors import BadFrame, Draining, ServerFull
from facegauge_server.pipeline import Pipeline
from facegauge_server.stages.causes import main_cause
from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.tracing.trace_parent import TraceParent
from facegauge_server.tracing.traces import FrameTimes, TracedCall, Traces
from facegauge_server.types import Assessment, Cause, EncodedFrame, FrameResult
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["ImageAssessor"]

PICTURES = "\0pictures"
"""Flow of all pictures of a tenant; no stream's id has a control character."""
MAX_BODIES = 4
"""Pictures whose bodies are in memory at once."""
WEIGHT = 0.25
"""Share of worker time beside that of one stream: pictures wait rather than live calls."""


class ImageAssessor:
    """Scores pictures, a bounded number at a time. Belongs to one event loop."""

    def __init__(
        self,
        pipeline: Pipeline,
        slots: WorkerSlots,
        table: SessionTable,
        config: Config,
        traces: Traces,
    ) -> None:
        self._pipeline = pipeline
        self._traces = traces
        self._slots = slots
        self._table = table
        self._limits = config.limits
        self._cause_threshold = config.cause_threshold
        self._max_running = max(1, config.workers // 2)
        self._in_progress = 0
        self.receiving = asyncio.Semaphore(MAX_BODIES)
        """Held while a picture's body is in memory: what waits stays with its sender."""

    async def assess(
        self, picture: EncodedFrame, display_lines: int, tenant: str = "", parent: TraceParent | None = None
    ) -> Assessment:
        """Score the faces of one picture; every quality equals its raw quality.

        Raises BadFrame, or QuotaExceeded where the tenant sends too many. Call it within `place`.
        """
        ready_s = time.monotonic()
        self._table.count_picture(tenant, ready_s)
        tracker = TrackerCell(detect_interval_s=0, max_faces=self._limits.max_faces)
        async with self._slots.slot(Flow(tenant, PICTURES, WEIGHT, self._max_running, is_live=False)):
            taken_s = time.monotonic()
            score = await self._pipeline.assess(picture, tracker, display_lines)
        times = FrameTimes(ready_s, taken_s, time.monotonic())
        self._traces.frame(TracedCall("AssessImage", tenant, parent=parent), times, score)
        if score.result is FrameResult.ERROR:
            raise BadFrame(score.error)
        smoother = QualitySmoother(1, 0, stale_after_s=1, cause_threshold=self._cause_threshold)
        quality = smoother.add(score, now_s=0.0)
        causes = (cause for cause in quality.causes if isinstance(cause, Cause))
        return Assessment(score, replace(quality, main_cause=main_cause(causes, quality.quality)))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for one picture while the block runs; raises Draining or ServerFull."""
        if self._table.is_draining:
            raise Draining("the server is shutting down: connect to another one")
        if self._in_progress >= self._limits.max_images:
            raise ServerFull(f"{self._in_progress} images are in progress already (--max-images): try later")
        self._in_progress += 1
        try:
            yield
        finally:
            self._in_progress -= 1
