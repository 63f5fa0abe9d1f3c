"""Smoothing: the same course whatever the frame rate, calm on outliers, honest about what is stale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_server.stages.session_pool import SessionPool
from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.types import (
    Box,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    StreamQuality,
    StreamState,
)

Face = tuple[int, float, float | None]
"""Track id, side of its box in pixels, raw quality."""


def smoother(median_window: int = 1, time_constant_s: float = 2.0) -> QualitySmoother:
    return QualitySmoother(median_window, time_constant_s, stale_after_s=3.0, cause_threshold=0.1)


def scored(time_s: float, *faces: Face, state: FaceState = FaceState.SCORED) -> FrameScore:
    """A frame with these faces."""
    scores = tuple(
        FaceScore(FaceBox(track_id, Box(0, 0, side, side)), state, raw) for track_id, side, raw in faces
    )
    return FrameScore(0, time_s, FrameResult.SCORED, scores)


def run(smooth: QualitySmoother, raws: list[float], fps: float, start_s: float = 0.0) -> list[float]:
    """The smoothed qualities of one face, frame by frame."""
    qualities = []
    for index, raw in enumerate(raws):
        time_s = start_s + index / fps
        quality = smooth.add(scored(time_s, (1, 200, raw)), time_s).quality
        assert quality is not None
        qualities.append(quality)
    return qualities


@pytest.mark.parametrize("start_s", [-1e9, -1500.0, 0.0, 1e9])
def test_a_clock_may_begin_anywhere(start_s: float) -> None:
    """A media clock has any origin: the first frame's score is its own, however negative its time."""
    assert run(smoother(), [0.5, 0.5], fps=5.0, start_s=start_s) == [0.5, 0.5]


def test_before_the_first_frame_nothing_is_known() -> None:
    """A new stream waits; it is not stale and has no quality, however late it is."""
    assert smoother().at(1e6) == StreamQuality(StreamState.WAITING)


def test_the_first_score_counts_fully() -> None:
    """There is no ramp from zero."""
    assert run(smoother(5), [0.8], 5) == [0.8]


def test_the_median_takes_out_a_spike() -> None:
    """One bad frame, even two in five, leave no trace."""
    assert run(smoother(5), [0.8] * 5 + [0.0] + [0.8] * 5 + [0.0, 0.1] + [0.8] * 5, 5) == [0.8] * 18


@pytest.mark.parametrize("fps", [1, 5, 30])
def test_a_step_falls_as_the_formula_says(fps: float) -> None:
    """After one time constant a step has gone 1 - 1/e of its way, at any frame rate."""
    smooth = smoother(time_constant_s=2.0)
    run(smooth, [1.0], fps)
    falling = run(smooth, [0.0] * int(2 * fps), fps, start_s=1 / fps)
    assert falling[-1] == pytest.approx(math.exp(-1))


@settings(deadline=None)
@given(st.floats(0, 1), st.sampled_from([5.0, 30.0]))
def test_a_constant_stays(quality: float, fps: float) -> None:
    """Smoothing adds nothing of its own."""
    assert run(smoother(5), [quality] * 20, fps) == pytest.approx([quality] * 20)


def test_without_a_time_constant_the_median_stands() -> None:
    """A time constant of 0 turns the average off."""
    assert run(smoother(3, time_constant_s=0), [0.1, 0.9, 0.5, 0.4], 5) == [0.1, 0.5, 0.5, 0.5]


def test_two_frames_of_one_moment() -> None:
    """Equal capture times divide by nothing; the second changes nothing."""
    smooth = smoother()
    smooth.add(scored(1.0, (1, 200, 0.5)), 0)
    assert smooth.add(scored(1.0, (1, 200, 0.9)), 0).quality == 0.5


def test_a_new_track_begins_anew() -> None:
    """Another face takes over none of the one before it."""
    smooth = smoother(5)
    run(smooth, [0.9] * 10, 5)
    assert smooth.add(scored(2.0, (2, 200, 0.1)), 2.0).quality == 0.1


@pytest.mark.parametrize(("gap_s", "expected"), [(2.9, 0.9 - 0.8 * (1 - math.exp(-2.9 / 2))), (3.1, 0.1)])
def test_a_jump_over_three_seconds_begins_anew(gap_s: float, expected: float) -> None:
    """A face found again soon goes on with its smoothing; after a longer gap the past is over."""
    smooth = smoother()
    run(smooth, [0.9], 5)
    assert smooth.add(scored(gap_s, (1, 200, 0.1)), gap_s).quality == pytest.approx(expected)


def test_the_largest_face_stands_for_the_stream() -> None:
    """Of several faces the largest is the stream's, and each keeps its own quality."""
    quality = smoother().add(scored(0, (1, 100, 0.2), (2, 200, 0.7), (3, 50, 0.9)), 0)
    assert (quality.quality, quality.raw_quality) == (0.7, 0.7)
    assert [face.quality for face in quality.faces] == [0.2, 0.7, 0.9]


def test_the_main_face_changes_only_when_another_stays_larger() -> None:
    """Faces of like size do not take turns: a rival must be a quarter larger for a second."""
    smooth = smoother()

    def main(time_s: float, rival_side: float) -> float | None:
        return smooth.add(scored(time_s, (1, 100, 0.1), (2, rival_side, 0.9)), time_s).raw_quality

    assert main(0.0, 90) == 0.1
    assert [main(time_s, 110) for time_s in (0.5, 1.0, 2.0)] == [0.1] * 3, "a fifth larger is not enough"
    assert [main(time_s, 150) for time_s in (2.5, 3.0, 3.4)] == [0.1] * 3, "not for long enough"
    assert main(3.45, 100) == 0.1, "the rival fell back"
    assert [main(time_s, 150) for time_s in (3.5, 4.4)] == [0.1] * 2, "so its second begins again"
    assert main(4.5, 150) == 0.9
    assert main(4.6, 110) == 0.9, "and now it is the first that would have to be larger"


def test_a_main_face_that_is_gone_is_replaced_at_once() -> None:
    """Hysteresis holds a face that is there, not one that left."""
    smooth = smoother()
    smooth.add(scored(0, (1, 200, 0.1), (2, 100, 0.9)), 0)
    assert smooth.add(scored(0.2, (2, 100, 0.9)), 0.2).quality == 0.9


def test_the_main_face_is_named() -> None:
    """`main_track_id` names the face whose quality is the stream's, chosen with hysteresis."""
    smooth = smoother()
    tiny = FaceScore(FaceBox(9, Box(0, 0, 20, 20)), FaceState.TOO_SMALL, None)
    assert smooth.add(FrameScore(0, 0.0, FrameResult.TOO_SMALL, (tiny,)), 0.0).main_track_id is None

    def main(time_s: float, *faces: Face) -> int | None:
        return smooth.add(scored(time_s, *faces), time_s).main_track_id

    assert main(0.1, (1, 200, 0.1), (2, 100, 0.9)) == 1
    assert main(0.2, (1, 200, 0.1), (2, 210, 0.9)) == 1, "larger, but not for long by much"
    assert smooth.add(FrameScore(0, 0.3, FrameResult.NO_FACE), 0.3).main_track_id == 1, "its quality holds"
    assert main(0.4, (2, 210, 0.9)) == 2
    assert smooth.at(4.0).main_track_id is None, "a stale stream has no quality, and so no main face"


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (FrameResult.NO_FACE, StreamState.NO_FACE),
        (FrameResult.TOO_SMALL, StreamState.FACE_TOO_SMALL),
        (FrameResult.ERROR, StreamState.DECODE_ERROR),
    ],
)
def test_the_quality_holds_until_it_is_stale(result: FrameResult, state: StreamState) -> None:
    """Frames without a score keep the last quality, say why, and lose it after three seconds."""
    smooth = smoother()
    assert smooth.add(FrameScore(0, 0, result), 0) == StreamQuality(state), "nothing to hold yet"
    smooth.add(scored(0.2, (1, 200, 0.6)), 10.0)
    for now_s in (10.2, 12.9):
        assert smooth.add(FrameScore(0, now_s, result), now_s) == StreamQuality(state, 0.6, main_track_id=1)
        assert smooth.at(now_s).quality == 0.6
    assert smooth.at(13.0) == StreamQuality(StreamState.STALE)
    assert smooth.add(FrameScore(0, 13.1, result), 13.1) == StreamQuality(state)
    assert smooth.add(scored(13.2, (1, 200, 0.3)), 13.2).state is StreamState.SCORED


@pytest.mark.parametrize("time_s", [float("inf"), float("nan"), -100.0, 1e12])
def test_a_broken_frame_does_not_end_the_smoothing(time_s: float) -> None:
    """What a frame that cannot be used says of its time moves nothing."""
    smooth = smoother()
    smooth.add(scored(0, (1, 200, 0.6)), 0)
    smooth.add(FrameScore(1, time_s, FrameResult.ERROR), 0.1)
    after = smooth.add(scored(0.2, (1, 200, 0.0)), 0.2).quality
    assert after == pytest.approx(0.6 * math.exp(-0.2 / 2))


def test_staleness_is_the_servers_clock() -> None:
    """A file that replays fast or slowly is stale by the time that passed here, not in it."""
    smooth = smoother()
    smooth.add(scored(0, (1, 200, 0.6)), 0)
    assert smooth.add(scored(1000, (1, 200, 0.6)), 0.1).state is StreamState.SCORED
    assert smooth.at(3.0).state is StreamState.SCORED
    assert smooth.at(3.1).state is StreamState.STALE


def test_low_resolution_and_too_small() -> None:
    """A small face is scored and marked; one that is too small is named and not scored."""
    smooth = smoother()
    low = smooth.add(scored(0, (1, 60, 0.4), state=FaceState.LOW_RESOLUTION), 0)
    assert (low.state, low.quality) == (StreamState.LOW_RESOLUTION, 0.4)
    tiny = FaceScore(FaceBox(1, Box(0, 0, 20, 20)), FaceState.TOO_SMALL, None)
    held = smooth.add(FrameScore(1, 0.2, FrameResult.TOO_SMALL, (tiny,)), 0.2)
    assert (held.state, held.quality, held.raw_quality) == (StreamState.FACE_TOO_SMALL, 0.4, None)
    assert [(face.state, face.quality) for face in held.faces] == [(FaceState.TOO_SMALL, None)]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=300), st.sampled_from([0, 10, 50, 90, 100]))
def test_the_session_pool_agrees_with_numpy(qualities: list[float], percent: float) -> None:
    """Mean and percentiles of any stream, in constant memory, to a thousandth."""
    pool = SessionPool()
    for quality in qualities:
        pool.add(quality)
    assert pool.mean == pytest.approx(np.mean(qualities))
    expected = np.percentile(qualities, percent, method="inverted_cdf")
    assert pool.percentile(percent) == pytest.approx(expected, abs=0.00051)


def test_an_empty_session_pool() -> None:
    """A stream without a score has no mean: not 0."""
    assert SessionPool().mean is None
    assert SessionPool().percentile(10) is None
