"""Where a frame's stages run: all in a worker process, or the score here for an engine that takes batches."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.config import Config
from facegauge_server.engines import create_engine
from facegauge_server.engines.student import Student, load_student
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.types import EncodedFrame, Encoding, FrameResult, FrameScore, RawScores
from facegauge_server.workers.tracker_state import TrackerCell

STREAMS = 6


class Watched:
    """The real engine, with a note of who calls it with how much."""

    name = "watched"
    precision = "f32"
    gains_from_batches = True

    def __init__(self, student: Student) -> None:
        self.calls: list[tuple[str, int]] = []
        self._engine = create_engine("openvino", student, threads=2, precision="f32")
        self.causes = self._engine.causes

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        self.calls.append((threading.current_thread().name, len(pixels)))
        return self._engine.score(pixels)

    def close(self) -> None:
        self._engine.close()


async def assess(
    engine: Watched | None, picture: npt.NDArray[np.uint8], metrics: Metrics
) -> list[FrameScore]:
    height, width = picture.shape[:2]
    frame = EncodedFrame(0, 0.0, Encoding.RGB24, picture.tobytes(), width, height)
    config = Config(workers=2, max_wait_ms=500, precision="f32", frame_timeout_s=20)
    async with Pipeline(load_student("default"), engine, config, metrics) as pipeline:
        assert pipeline.engine == ("openvino" if engine is None else "watched")
        assert pipeline.precision == "f32"
        trackers = [TrackerCell(detect_interval_s=0.5, max_faces=4) for _ in range(STREAMS)]
        scores = await asyncio.gather(*(pipeline.assess(frame, tracker, 720) for tracker in trackers))
    if engine is not None:
        engine.close()
    return scores


def without_measures(score: FrameScore) -> FrameScore:
    """The score without its times and numbers, which differ in their last digits or from run to run."""
    faces = tuple(replace(face, raw_quality=None) for face in score.faces)
    return replace(score, faces=faces, stage_times_s=())


def qualities(scores: list[FrameScore]) -> list[float]:
    return [face.raw_quality for score in scores for face in score.faces if face.raw_quality is not None]


def counters(metrics: Metrics) -> dict[str, float]:
    """Every sample of ours that a frame would raise."""
    return {
        f"{sample.name}{sample.labels}": sample.value
        for family in metrics.registry.collect()
        if family.name.startswith("facegauge_")
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def count(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


async def test_crops_wait_for_others_only_where_that_pays(astronaut: npt.NDArray[np.uint8]) -> None:
    """Scored in the workers one by one, or here in batches of several streams' faces: the same scores."""
    picture = np.asarray(cv2.resize(astronaut, None, fx=1.5, fy=1.5), dtype=np.uint8)
    metrics = Metrics()
    in_workers = await assess(None, picture, metrics)
    assert {score.result for score in in_workers} == {FrameResult.SCORED}
    assert count(metrics, "facegauge_frames_total", result="scored") == STREAMS
    for stage in ("engine_wait", "decode", "locate", "crop", "score"):
        assert count(metrics, "facegauge_stage_duration_seconds_count", stage=stage) == STREAMS
    assert count(metrics, "facegauge_batch_size_sum") == STREAMS

    engine = Watched(load_student("default"))
    metrics = Metrics()
    here = await assess(engine, picture, metrics)
    assert [without_measures(score) for score in here] == [without_measures(score) for score in in_workers]
    assert qualities(here) == pytest.approx(qualities(in_workers), abs=1e-5)
    assert count(metrics, "facegauge_stage_duration_seconds_count", stage="engine_wait") == STREAMS
    assert count(metrics, "facegauge_batch_size_sum") == STREAMS
    assert {name.partition("_")[0] for name, _ in engine.calls} == {"score"}
    assert sum(size for _, size in engine.calls) == STREAMS


@pytest.mark.parametrize("scores_here", [False, True])
async def test_a_probe_is_in_no_metric(astronaut: npt.NDArray[np.uint8], scores_here: bool) -> None:
    """Metrics describe the callers' frames: what the server sends itself is scored and not counted."""
    engine = Watched(load_student("default")) if scores_here else None
    metrics = Metrics()
    height, width = astronaut.shape[:2]
    frame = EncodedFrame(0, 0.0, Encoding.RGB24, astronaut.tobytes(), width, height)
    config = Config(workers=1, precision="f32", frame_timeout_s=20)
    before = counters(metrics)
    async with Pipeline(load_student("default"), engine, config, metrics) as pipeline:
        score = await pipeline.probe(frame, TrackerCell(), 720)
    assert score.result is FrameResult.SCORED
    assert counters(metrics) == before
    if engine is not None:
        assert [size for _, size in engine.calls] == [1]
        engine.close()


async def test_a_frame_without_a_face_asks_no_engine() -> None:
    """Nothing to score is no call, and no face is the result."""
    picture = np.full((360, 640, 3), 90, np.uint8)
    engine = Watched(load_student("default"))
    assert {score.result for score in await assess(engine, picture, Metrics())} == {FrameResult.NO_FACE}
    assert engine.calls == []


async def test_a_bad_frame_is_a_result() -> None:
    """What a worker refuses is said in the frame's result, and its tracker stays as it was."""
    metrics = Metrics()
    config = Config(workers=1, precision="f32", frame_timeout_s=20)
    async with Pipeline(load_student("default"), None, config, metrics) as pipeline:
        tracker = TrackerCell()
        before = tracker.state
        score = await pipeline.assess(EncodedFrame(3, 1.5, Encoding.PNG, b"no picture"), tracker, 720)
    assert (score.sequence, score.capture_time_s, score.result) == (3, 1.5, FrameResult.ERROR)
    assert "no PNG file" in score.error
    assert tracker.state == before
    assert count(metrics, "facegauge_frames_total", result="error") == 1
    assert count(metrics, "facegauge_worker_restarts_total", reason="crash") == 0
