"""A frame's way through the stages, on one screen: decode -> track -> crop -> score -> classify.

The first three run on one of the worker threads, each of which has a face detector of its own (a shared one
would serialise them). An engine that gains from batches gets the crops of all streams together; one that
does not, as on a CPU, is called at once by the same thread, which saves two changes of thread and finds the
crop in its cache. Smoothing is the session's.

A worker gets the tracker's state as a value and returns the next one, which the event loop then stores: a
frame whose caller is gone by then changes nothing, so no lock is needed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from facegauge_server.config import Config
from facegauge_server.engines import Engine
from facegauge_server.engines.score import score_crops
from facegauge_server.engines.student import Student
from facegauge_server.errors import BadFrame
from facegauge_server.metrics import Metrics
from facegauge_server.scoring.batch_scorer import BatchScorer
from facegauge_server.scoring.batcher import Batcher
from facegauge_server.stages.classify import classify
from facegauge_server.stages.crop import crop_faces
from facegauge_server.stages.decode import decode
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.stages.track import FaceTracker, advance
from facegauge_server.stages.tracker_state import TrackerSettings, TrackerState
from facegauge_server.types import EncodedFrame, FaceCrops, FrameResult, FrameScore

__all__ = ["Pipeline"]


class Pipeline:
    """Turns encoded frames of any streams into scores. Use as an asynchronous context manager."""

    def __init__(self, student: Student, engine: Engine, config: Config, metrics: Metrics) -> None:
        self._student = student
        self._engine = engine
        self._config = config
        self._metrics = metrics
        self._workers = ThreadPoolExecutor(config.workers, thread_name_prefix="frame")
        self._detectors: list[FaceDetector] = []
        self._of_thread = threading.local()
        batcher = Batcher(max_batch=config.max_batch, max_wait_s=config.max_wait_ms / 1000)
        self._batch_scorer = BatchScorer(engine, batcher, config.workers, metrics)

    async def assess(self, frame: EncodedFrame, tracker: FaceTracker, display_lines: int) -> FrameScore:
        """Score the faces of one frame; one that cannot be used gives FrameResult.ERROR, not an exception."""
        with self._metrics.in_flight():
            try:
                crops, qualities = await self._crops_and_qualities(frame, tracker, display_lines)
            except BadFrame as error:
                score = FrameScore(frame.sequence, frame.capture_time_s, FrameResult.ERROR, error=str(error))
            else:
                score = classify(crops, qualities)
        self._metrics.count_frames(score.result)
        return score

    async def _crops_and_qualities(
        self, frame: EncodedFrame, tracker: FaceTracker, display_lines: int
    ) -> tuple[FaceCrops, list[float]]:
        loop = asyncio.get_running_loop()
        before, settings = tracker.state, tracker.settings
        if self._engine.gains_from_batches:
            after, crops = await loop.run_in_executor(
                self._workers, self._prepare, frame, before, settings, display_lines
            )
            tracker.replace_state(before, after)
            return crops, await self._batch_scorer.score(crops.crops)
        after, crops, qualities = await loop.run_in_executor(
            self._workers, self._prepare_and_score, frame, before, settings, display_lines, time.monotonic()
        )
        tracker.replace_state(before, after)
        return crops, qualities

    def _prepare(
        self, encoded: EncodedFrame, state: TrackerState, settings: TrackerSettings, display_lines: int
    ) -> tuple[TrackerState, FaceCrops]:
        limits = self._config.limits
        with self._metrics.timed("decode"):
            frame = decode(encoded, limits.max_frame_pixels, limits.max_frame_side)
        with self._metrics.timed("locate"):
            state, boxes = advance(state, settings, frame, self._detector())
        with self._metrics.timed("crop"):
            width, height = self._student.input_width, self._student.input_height
            return state, crop_faces(boxes, width, height, display_lines)

    def _prepare_and_score(
        self,
        encoded: EncodedFrame,
        state: TrackerState,
        settings: TrackerSettings,
        display_lines: int,
        handed_over_s: float,
    ) -> tuple[TrackerState, FaceCrops, list[float]]:
        self._metrics.observe_stage("engine_wait", time.monotonic() - handed_over_s)
        state, crops = self._prepare(encoded, state, settings, display_lines)
        if not crops.crops:
            return state, crops, []
        with self._metrics.timed("score"):
            qualities = [float(score_crops(crop.pixels[None], self._engine)[0]) for crop in crops.crops]
        for _ in qualities:
            self._metrics.observe_batch(1)  # each crop is a call of its own
        return state, crops, qualities

    def _detector(self) -> FaceDetector:
        if not hasattr(self._of_thread, "detector"):
            self._of_thread.detector = FaceDetector()
            self._detectors.append(self._of_thread.detector)
        detector: FaceDetector = self._of_thread.detector
        return detector

    async def __aenter__(self) -> Self:
        # Every thread meets at the barrier, so that each makes its detector now and not on a live frame.
        barrier = threading.Barrier(self._config.workers)

        def warm_up() -> None:
            barrier.wait()
            self._detector()

        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(self._workers, warm_up) for _ in range(self._config.workers)]
        await asyncio.gather(*jobs)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._batch_scorer.close()
        await asyncio.get_running_loop().run_in_executor(None, self._workers.shutdown)
        for detector in self._detectors:
            detector.close()
