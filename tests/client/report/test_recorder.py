"""A recorder keeps every score and few pictures: those of the worst moments."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import Assessment, Box, Face
from facegauge_client.report.recorder import APART_S, MOST_MOMENTS, MOST_WAITING, Recorder
from facegauge_client.types import FaceState, FrameResult, StreamState

PICTURE: npt.NDArray[np.uint8] = np.zeros((72, 128, 3), np.uint8)


def scored(time_s: float, raw_quality: float | None) -> Assessment:
    face = Face(1, Box(40, 20, 30, 30), FaceState.SCORED, raw_quality, raw_quality, 30.0)
    return Assessment(
        "a", 1, time_s, FrameResult.SCORED, StreamState.SCORED, raw_quality, raw_quality, (face,)
    )


def play(recorder: Recorder, qualities: list[float], fps: float, start_s: float = 0.0) -> None:
    for index, quality in enumerate(qualities):
        recorder.sent(PICTURE, start_s + index / fps)
        recorder.answered(scored(start_s + index / fps, quality))


def test_the_worst_of_each_dip_is_kept() -> None:
    """Of two dips the lowest frames are shown, with their times since the stream's first frame."""
    qualities = [0.9] * 100
    qualities[30:33] = [0.5, 0.2, 0.4]
    qualities[70:73] = [0.6, 0.3, 0.35]
    recorder = Recorder()
    play(recorder, qualities, fps=5, start_s=1000.0)
    lowest = sorted((moment.raw_quality, moment.time_s) for moment in recorder.moments)[:2]
    np.testing.assert_allclose(lowest, [(0.2, 31 / 5), (0.3, 71 / 5)])
    assert all(moment.thumbnail.frame.startswith(b"\xff\xd8") for moment in recorder.moments)
    assert len(recorder.points) == 100


def test_an_hour_keeps_a_handful_of_pictures() -> None:
    """However long a stream is: few moments, apart from each other, and they are the worst."""
    qualities = [0.6 + 0.3 * math.sin(index / 40) + 0.0001 * (index % 7) for index in range(18_000)]
    recorder = Recorder()
    play(recorder, qualities, fps=5)
    times_s = [moment.time_s for moment in recorder.moments]
    assert len(times_s) == MOST_MOMENTS
    assert times_s == sorted(times_s)
    assert np.diff(times_s).min() >= APART_S
    assert max(moment.raw_quality for moment in recorder.moments) < 0.31
    assert not recorder._waiting


def test_frames_that_nobody_answers_do_not_pile_up() -> None:
    """A server that stops answering costs a bounded number of pictures."""
    recorder = Recorder()
    for index in range(1000):
        recorder.sent(PICTURE, index / 25)
    assert len(recorder._waiting) == MOST_WAITING
    recorder.answered(scored(0.0, 0.1))
    assert recorder.moments == [], "its picture is gone"
    assert len(recorder.points) == 1


def test_what_is_no_frame_is_no_point() -> None:
    """The news that a stream has gone stale has no time of its own."""
    recorder = Recorder()
    recorder.answered(Assessment("a", None, None, FrameResult.UNSPECIFIED, StreamState.STALE))
    assert recorder.points == []


@pytest.mark.parametrize("picture", [b"no picture", b""])
def test_a_picture_that_cannot_be_read_is_left_out(picture: bytes) -> None:
    """The score stays, the moment has no picture and is not shown."""
    recorder = Recorder()
    recorder.sent(picture, 0.0)
    recorder.answered(scored(0.0, 0.1))
    assert len(recorder.points) == 1
    assert recorder.moments == []


@pytest.mark.parametrize(
    "box", [Box(-50, -50, 80, 80), Box(100, 60, 90, 90), Box(500, 500, 10, 10), Box(5, 5, 0, 0)]
)
def test_a_face_at_the_edge(box: Box) -> None:
    """A box that reaches beyond the frame, or lies outside, is no problem."""
    recorder = Recorder()
    recorder.sent(PICTURE, 0.0)
    face = Face(1, box, FaceState.SCORED, 0.2, 0.2, 30.0)
    recorder.answered(Assessment("a", 1, 0.0, FrameResult.SCORED, StreamState.SCORED, 0.2, 0.2, (face,)))
    assert recorder.moments[0].thumbnail.face.startswith(b"\xff\xd8")
