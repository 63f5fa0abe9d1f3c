"""The real stages in real worker processes score as they do here."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.config import Limits
from facegauge_server.engines.student import load_student
from facegauge_server.errors import BadFrame
from facegauge_server.types import EncodedFrame, Encoding, FrameResult, FrameScore
from facegauge_server.workers.frame_work import FrameWork
from facegauge_server.workers.pool import FrameWorkers
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.tracker_state import TrackerCell, unpack
from tests.server.workers.conftest import until


def settings(*, scores: bool) -> WorkSettings:
    return WorkSettings(load_student("default"), Limits(), scores=scores, precision="f32")


@pytest.fixture(scope="module")
def frames(astronaut: npt.NDArray[np.uint8]) -> list[EncodedFrame]:
    """Frames of one stream, in which the face moves, in several encodings."""
    made = []
    for number, encoding in enumerate([Encoding.JPEG, Encoding.PNG, Encoding.RGB24, Encoding.I420] * 2):
        picture = np.roll(cv2.resize(astronaut, (768, 768)), 4 * number, axis=1)
        if encoding is Encoding.RGB24:
            data = picture.tobytes()
        elif encoding is Encoding.I420:
            data = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).tobytes()
        else:
            ok, coded = cv2.imencode(f".{encoding}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            assert ok
            data = coded.tobytes()
        made.append(EncodedFrame(number, number / 5, encoding, data, 768, 768))
    return made


def scored_here(frames: list[EncodedFrame]) -> list[FrameScore]:
    work, tracker, scores = FrameWork(settings(scores=True), "f32"), TrackerCell().state, []
    for frame in frames:
        assessed = work.assess(frame, tracker, 720)
        tracker = assessed.tracker
        assert assessed.score is not None
        scores.append(assessed.score)
    return scores


async def test_scores_do_not_depend_on_the_process(frames: list[EncodedFrame]) -> None:
    """Boxes, track ids and scores are the same to the last bit, though the worker changes on the way."""
    expected = scored_here(frames)
    assert {score.result for score in expected} == {FrameResult.SCORED}
    async with FrameWorkers(2, settings(scores=True), 20.0) as pool:
        assert (pool.started.engine, pool.started.precision) == ("openvino", "f32")
        tracker = TrackerCell().state
        for frame, score in zip(frames, expected, strict=True):
            worked = await pool.assess(frame, tracker, 720)
            assert worked.score == score
            assert [stage for stage, _ in worked.stage_times_s] == ["decode", "locate", "crop", "score"]
            tracker = worked.tracker
            pool._dispatcher._idle.reverse()  # the other one's turn
        assert unpack(tracker)[0].state.last_id == 1
        with pytest.raises(BadFrame, match="no JPEG file"):
            await pool.assess(EncodedFrame(9, 9.0, Encoding.JPEG, b"no picture"), tracker, 720)


async def test_crops_come_back_for_an_engine_that_takes_batches(frames: list[EncodedFrame]) -> None:
    """The pixels that the worker cut, whatever lay in the shared memory before."""
    student = load_student("default")
    here = FrameWork(settings(scores=False), "")
    async with FrameWorkers(1, settings(scores=False), 20.0) as pool:
        assert pool.started.engine == ""
        for frame in frames[:4]:
            worked = await pool.assess(frame, TrackerCell().state, 720)
            crop = here.assess(frame, TrackerCell().state, 720).crops.crops[0]
            assert worked.score is None
            assert worked.cropped == (crop.face,)
            assert crop.pixels.shape == (student.input_height, student.input_width, 3)
            assert worked.crop_pixels == crop.pixels.tobytes()


async def test_a_worker_is_replaced_faster_than_a_server_starts(frames: list[EncodedFrame]) -> None:
    """The zygote has one thread and all imports done: a new worker uses a fraction of what the first took."""
    async with FrameWorkers(1, settings(scores=True), 20.0) as pool:
        zygote = Path(f"/proc/{pool._launcher.zygote_pid}")
        assert len(list((zygote / "task").iterdir())) == 1
        ticks = (zygote / "stat").read_text().rpartition(")")[2].split()
        started_s = sum(int(ticks[field]) for field in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")
        victim = pool.pids[0]
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in pool.pids)
        worked = await pool.assess(frames[0], TrackerCell().state, 720)
        assert worked.score is not None
        await until(lambda: pool.health.serving == 1)
        assert pool.pids[0] != victim
        replacement = next(iter(pool._seats)).worker
        assert replacement.cpu_s() < started_s


async def test_the_largest_frame_fits_a_workers_memory() -> None:
    """A picture within the limits of pixels never needs what a worker may not take."""
    side_px = 3072
    picture = np.random.default_rng(0).integers(0, 255, (side_px, side_px, 3), np.uint8)
    async with FrameWorkers(1, settings(scores=True), 60.0) as pool:
        for name, flags in ((".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]), (".png", []), (".webp", [])):
            ok, data = cv2.imencode(name, picture, flags)
            assert ok
            frame = EncodedFrame(0, 0.0, Encoding(name[1:].replace("jpg", "jpeg")), data.tobytes())
            worked = await pool.assess(frame, TrackerCell().state, 720)
            assert worked.score is not None
        assert pool.health.restarts_last_minute == 0
