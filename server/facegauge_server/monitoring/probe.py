"""Show that pictures go through the pipeline, also while no call sends any."""

from __future__ import annotations

import asyncio

from facegauge_server.admission.fair_queue import Flow
from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.engines.precision import probe_crops
from facegauge_server.monitoring.readiness import Readiness
from facegauge_server.pipeline import Pipeline
from facegauge_server.types import EncodedFrame, Encoding, FrameResult
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["Probe"]

INTERVAL_S = 2.0
"""Time without a scored frame after which the probe's picture is sent through the pipeline."""
FLOW = Flow("", "\0probe", is_live=False, is_counted=False)
DISPLAY_LINES = 720
WIDTH_PX, HEIGHT_PX = 288, 384


class Probe:
    """Sends a portrait through the pipeline whenever nothing else has gone through it for a while.

    Metrics of frames, stages and batches describe the callers' frames only, so the probe is in none of them.
    """

    def __init__(self, pipeline: Pipeline, slots: WorkerSlots, readiness: Readiness) -> None:
        self._pipeline = pipeline
        self._slots = slots
        self._readiness = readiness
        pixels = probe_crops(WIDTH_PX, HEIGHT_PX)[0]
        self._frame = EncodedFrame(0, 0.0, Encoding.RGB24, pixels.tobytes(), WIDTH_PX, HEIGHT_PX)

    async def run(self) -> None:
        """Probe until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            health = self._pipeline.workers.health
            if health.why_not_ready:
                self._readiness.set_fault("workers", health.why_not_ready)
            else:
                self._readiness.clear_fault("workers")
            if loop.time() - self._readiness.scored_s >= INTERVAL_S:
                await self.once()
            await asyncio.sleep(INTERVAL_S / 2)

    async def once(self) -> None:
        """Send the portrait through the pipeline, and note its success."""
        async with self._slots.slot(FLOW):
            score = await self._pipeline.probe(self._frame, TrackerCell(), DISPLAY_LINES)
        if score.result is FrameResult.SCORED:
            self._readiness.note_scored(asyncio.get_running_loop().time())
