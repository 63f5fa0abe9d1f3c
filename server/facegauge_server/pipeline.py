"""A frame's path through the stages, on one screen: decode -> locate -> crop -> score.

The first three run in worker processes (`workers/`), since they hand bytes from anywhere to native code. An
engine that gains from batches runs here, on the crops of all streams together, which never were anyone's
bytes; one that does not, as on a CPU, runs in the worker too, which finds the crop in its cache. Smoothing is
the session's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from facegauge_server.coded_types import DecodedRun, UnitOutcome, UnitRun
from facegauge_server.config import Config
from facegauge_server.defects import Defects
from facegauge_server.engines import Engine
from facegauge_server.engines.student import Student
from facegauge_server.errors import BadFrame
from facegauge_server.metrics import Metrics
from facegauge_server.scoring.batch_scorer import BatchScorer
from facegauge_server.scoring.batcher import Batcher
from facegauge_server.stages.classify import classify
from facegauge_server.types import EncodedFrame, FaceCrop, FaceCrops, FrameResult, FrameScore
from facegauge_server.workers.decoder_home import DecoderHome
from facegauge_server.workers.job import DecoderLost, FrameTimeout, WorkerDied
from facegauge_server.workers.messages import Worked
from facegauge_server.workers.pool import FrameWorkers
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["Pipeline", "RunScore"]

StageTimes = tuple[tuple[str, float], ...]
WORKERS_STAGES = ("decode_video", "decode", "locate", "crop", "score")


@dataclass(frozen=True, slots=True)
class RunScore:
    """What came of a run of units."""

    decoded: DecodedRun | None = None
    """None where the run failed as a whole: its decoder knows nothing any more."""
    score: FrameScore | None = None
    """Score of the picture that was picked, where there was one."""
    error: str = ""
    """Why it failed as a whole."""
    is_lost: bool = False
    """Whether the decoder was lost before, by no fault of this stream."""
    ended_worker: bool = False
    """Whether the run was the end of a worker."""
    work_s: float | None = None
    """Time that a worker spent, seconds; None where it is not known."""


class Pipeline:
    """Turns encoded frames of any streams into scores. Use as an asynchronous context manager."""

    def __init__(
        self,
        student: Student,
        engine: Engine | None,
        config: Config,
        metrics: Metrics,
        on_scored: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a pipeline that does not run yet.

        Args:
            student: what scores.
            engine: scores batches in this process; None where each worker scores by itself, with OpenVINO.
            config: the operator's.
            metrics: counts frames and observes stages.
            on_scored: called whenever a frame of a call has gone through.
        """
        self._student = student
        self._engine = engine
        self._metrics = metrics
        self._on_scored = on_scored
        self._defects = Defects(metrics.count_error)
        self.workers = FrameWorkers(
            config.workers,
            WorkSettings(student, config.limits, scores=engine is None, precision=config.precision),
            config.frame_timeout_s,
            on_restart=metrics.count_worker_restart,
        )
        self._batch_scorer: BatchScorer | None = None
        if engine is not None:
            batcher = Batcher(max_batch=config.max_batch, max_wait_s=config.max_wait_ms / 1000)
            self._batch_scorer = BatchScorer(engine, batcher, config.workers, metrics)

    @property
    def engine(self) -> str:
        """Name of what scores, once the pipeline runs."""
        return self.workers.started.engine if self._engine is None else self._engine.name

    @property
    def precision(self) -> str:
        """Precision of its arithmetic."""
        return self.workers.started.precision if self._engine is None else self._engine.precision

    async def assess(self, frame: EncodedFrame, tracker: TrackerCell, display_lines: int) -> FrameScore:
        """Score the faces of one frame of a call, and count it.

        A frame that cannot be used, or that met a defect of ours, gives FrameResult.ERROR, not an exception.
        """
        with self._metrics.in_flight():
            score = await self._work_on(frame, tracker, display_lines, is_counted=True)
        self._metrics.count_frames(score.result)
        if score.result is not FrameResult.ERROR:
            self._on_scored()
        return score

    async def assess_run(
        self, run: UnitRun, home: DecoderHome, tracker: TrackerCell, display_lines: int
    ) -> RunScore:
        """Decode units of a call's coded video and score the picture that is picked, and count it.

        Nothing is raised: what went wrong is in the result.
        """
        before = tracker.state
        with self._metrics.in_flight():
            try:
                worked = await self.workers.assess_run(run, home, before, display_lines)
                result = await self._score_run(run, tracker, before, worked)
            except DecoderLost as error:
                return RunScore(error=str(error), is_lost=True)
            except (WorkerDied, FrameTimeout) as error:
                return RunScore(error=str(error), ended_worker=True)
            except BadFrame as error:
                return RunScore(error=str(error))
            except Exception as error:  # noqa: BLE001 - our defect costs a run, not the stream
                return RunScore(
                    error=self._defects.note("pipeline", error, trace=getattr(error, "trace", ""))
                )
        if result.score is not None:
            self._metrics.count_frames(result.score.result)
            self._on_scored()
        return result

    async def _score_run(self, run: UnitRun, tracker: TrackerCell, before: bytes, worked: Worked) -> RunScore:
        decoded = worked.decoded
        if decoded is None or len(decoded.outcomes) != len(run.units):
            raise RuntimeError("a worker's reply does not fit the units that it was given")
        tracker.replace_state(before, worked.tracker, worked.snapshot)
        times_s = _stage_times_s(worked)
        self._observe(worked, times_s)
        self._metrics.count_decoded(decoded.outcomes.count(UnitOutcome.DECODED))
        work_s = sum(duration_s for _, duration_s in times_s)
        if decoded.picture is None:
            return RunScore(decoded, work_s=work_s)
        score = worked.score or await self._score(*decoded.picture, worked, is_counted=True)
        return RunScore(decoded, replace(score, stage_times_s=times_s), work_s=work_s)

    async def probe(self, frame: EncodedFrame, tracker: TrackerCell, display_lines: int) -> FrameScore:
        """Score the faces of one frame without counting it or what was done to it; defects are counted."""
        return await self._work_on(frame, tracker, display_lines, is_counted=False)

    async def _work_on(
        self, frame: EncodedFrame, tracker: TrackerCell, display_lines: int, *, is_counted: bool
    ) -> FrameScore:
        before = tracker.state
        try:
            worked = await self.workers.assess(frame, before, display_lines)
            tracker.replace_state(before, worked.tracker, worked.snapshot)
            times_s = _stage_times_s(worked)
            if is_counted:
                self._observe(worked, times_s)
            score = worked.score or await self._score(
                frame.sequence, frame.capture_time_s, worked, is_counted=is_counted
            )
        except BadFrame as error:
            return FrameScore(frame.sequence, frame.capture_time_s, FrameResult.ERROR, error=str(error))
        except Exception as error:  # noqa: BLE001 - our defect costs a frame, not the stream
            text = self._defects.note("pipeline", error, trace=getattr(error, "trace", ""))
            return FrameScore(frame.sequence, frame.capture_time_s, FrameResult.ERROR, error=text)
        return replace(score, stage_times_s=times_s)

    async def _score(
        self, sequence: int, capture_time_s: float, worked: Worked, *, is_counted: bool
    ) -> FrameScore:
        """Score a frame's crops together with those of other frames."""
        assert self._batch_scorer is not None  # noqa: S101 - workers return crops to an engine only
        shape = (len(worked.cropped), self._student.input_height, self._student.input_width, 3)
        pixels = np.frombuffer(worked.crop_pixels, np.uint8).reshape(shape)
        crops = tuple(FaceCrop(face, crop) for face, crop in zip(worked.cropped, pixels, strict=True))
        scores = await self._batch_scorer.score(crops, is_counted=is_counted)
        return classify(FaceCrops(sequence, capture_time_s, crops, worked.too_small, worked.view), scores)

    def _observe(self, worked: Worked, times_s: StageTimes) -> None:
        for stage, duration_s in times_s:
            self._metrics.observe_stage(stage, duration_s)
        if worked.score is not None:
            self._metrics.observe_stage("engine_wait", worked.waited_s)
            faces = sum(face.raw_quality is not None for face in worked.score.faces)
            for _ in range(faces):
                self._metrics.observe_batch(1)

    async def __aenter__(self) -> Self:
        await self.workers.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.workers.close()
        if self._batch_scorer is not None:
            await self._batch_scorer.close()


def _stage_times_s(worked: Worked) -> StageTimes:
    """Return a worker's times of the stages that there are: its word is not trusted."""
    return tuple((stage, duration_s) for stage, duration_s in worked.stage_times_s if stage in WORKERS_STAGES)
