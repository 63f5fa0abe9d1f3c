"""Where a frame's stages run: on one thread for an engine that gains nothing from batches."""

from __future__ import annotations

import asyncio
import threading

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.config import Config
from facegauge_server.engines import create_engine
from facegauge_server.engines.student import Student, load_student
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import EncodedFrame, Encoding, FrameResult, FrameScore, RawScores

STREAMS = 6


class Watched:
    """The real engine, with a note of who calls it with how much."""

    name = "watched"
    precision = "f32"

    def __init__(self, student: Student, *, gains_from_batches: bool) -> None:
        self.gains_from_batches = gains_from_batches
        self.calls: list[tuple[str, int]] = []
        self._engine = create_engine("openvino", student, threads=2, precision="f32")

    def score(self, pixels: npt.NDArray[np.uint8]) -> RawScores:
        self.calls.append((threading.current_thread().name, len(pixels)))
        return self._engine.score(pixels)

    def close(self) -> None:
        self._engine.close()


async def assess(
    engine: Watched, student: Student, picture: npt.NDArray[np.uint8], metrics: Metrics | None = None
) -> list[FrameScore]:
    height, width = picture.shape[:2]
    frame = EncodedFrame(0, 0.0, Encoding.RGB24, picture.tobytes(), width, height)
    config = Config(workers=2, max_wait_ms=200)
    async with Pipeline(student, engine, config, metrics or Metrics()) as pipeline:
        trackers = [FaceTracker(detect_interval_s=0.5, max_faces=4) for _ in range(STREAMS)]
        scores = await asyncio.gather(*(pipeline.assess(frame, tracker, 720) for tracker in trackers))
    engine.close()
    return scores


@pytest.mark.parametrize("gains_from_batches", [False, True])
async def test_crops_wait_for_others_only_where_that_pays(
    astronaut: npt.NDArray[np.uint8], *, gains_from_batches: bool
) -> None:
    """One call a face on the frame's own thread, or batches of several streams' faces on the engine's."""
    student = load_student("default")
    engine = Watched(student, gains_from_batches=gains_from_batches)
    picture = np.asarray(cv2.resize(astronaut, None, fx=1.5, fy=1.5), dtype=np.uint8)
    scores = await assess(engine, student, picture)
    assert {score.result for score in scores} == {FrameResult.SCORED}
    assert len({score.faces[0].raw_quality for score in scores}) == 1
    threads = {name.partition("_")[0] for name, _ in engine.calls}
    sizes = [size for _, size in engine.calls]
    assert sum(sizes) == STREAMS
    if gains_from_batches:
        assert threads == {"score"}
        assert max(sizes) > 1
    else:
        assert threads == {"frame"}
        assert max(sizes) == 1


async def test_a_frame_without_a_face_asks_no_engine() -> None:
    """Nothing to score is no call, and no face is the result."""
    student = load_student("default")
    engine = Watched(student, gains_from_batches=False)
    scores = await assess(engine, student, np.full((360, 640, 3), 90, np.uint8))
    assert {score.result for score in scores} == {FrameResult.NO_FACE}
    assert engine.calls == []


async def test_every_call_of_the_engine_is_one_batch(astronaut: npt.NDArray[np.uint8]) -> None:
    """Two faces scored one by one are two batches of one, not one of two."""
    student = load_student("default")
    engine = Watched(student, gains_from_batches=False)
    metrics = Metrics()
    (score, *_) = await assess(engine, student, np.concatenate([astronaut, astronaut], axis=1), metrics)
    assert len(score.faces) == 2
    count = metrics.registry.get_sample_value("facegauge_batch_size_count")
    total = metrics.registry.get_sample_value("facegauge_batch_size_sum")
    assert count == total == 2 * STREAMS


async def test_a_frame_whose_stream_is_gone_changes_nothing(astronaut: npt.NDArray[np.uint8]) -> None:
    """Cancelled in its worker, as when a stream is taken over, a frame leaves the tracker to the next one."""
    student = load_student("default")
    engine = Watched(student, gains_from_batches=False)
    frame = EncodedFrame(0, 0.0, Encoding.RGB24, astronaut.tobytes(), 512, 512)
    tracker = FaceTracker()
    async with Pipeline(student, engine, Config(workers=2), Metrics()) as pipeline:
        abandoned = asyncio.create_task(pipeline.assess(frame, tracker, 720))
        await asyncio.sleep(0)
        abandoned.cancel()
        score = await pipeline.assess(frame, tracker, 720)
        with pytest.raises(asyncio.CancelledError):
            await abandoned
    engine.close()
    assert [face.face.track_id for face in score.faces] == [1]
    assert tracker.state.last_id == 1
