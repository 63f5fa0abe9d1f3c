"""One live stream: its counters, clocks, rates in force and summary; how its connection is asked to end."""

from __future__ import annotations

import pytest

from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import BadFrame
from facegauge_server.streams.connection import Connection, Ending
from facegauge_server.streams.session import Session
from facegauge_server.types import (
    Box,
    Delivery,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    StreamState,
)


def scored(time_s: float, raw_quality: float) -> FrameScore:
    face = FaceScore(FaceBox(1, Box(0, 0, 200, 200)), FaceState.SCORED, raw_quality)
    return FrameScore(0, time_s, FrameResult.SCORED, (face,))


def without_a_face(time_s: float, result: FrameResult = FrameResult.NO_FACE) -> FrameScore:
    return FrameScore(0, time_s, result)


def frame(time_s: float) -> EncodedFrame:
    return EncodedFrame(0, time_s, Encoding.JPEG, b"")


@pytest.fixture
def session() -> Session:
    return Session(StreamSettings(stream_id="a"), Config(), 0.0)


async def test_a_connection_ends_for_one_reason() -> None:
    """Whoever ends it first says why; the future stays pending until then."""
    connection = Connection(StreamSettings(stream_id="a"), max_fps=0, min_fps=0)
    assert not connection.ended.done()
    connection.end(Ending.DRAINING)
    connection.end(Ending.TAKEN_OVER)
    assert connection.ended.result() is Ending.DRAINING


async def test_a_new_connection_takes_over(session: Session) -> None:
    """The one that fed the session until now is asked to end; the new one begins with empty buffers."""
    first = session.connect()
    first.inbox.put(frame(0.0), 0.0)
    second = session.connect()
    assert first.ended.result() is Ending.TAKEN_OVER
    assert session.connection is second
    assert second.inbox.take(1.0) is None


def test_drops_are_reported_with_the_next_assessment(session: Session) -> None:
    """Every drop is counted, and reported once."""
    session.note_unscored(FrameResult.DROPPED, 2)
    session.note_unscored(FrameResult.DROPPED, 3)
    assert session.assess(scored(0.0, 0.7), 0.1).frames_dropped == 5
    assert session.assess(scored(0.2, 0.7), 0.3).frames_dropped == 0
    assert session.frames == {FrameResult.DROPPED: 5, FrameResult.SCORED: 2}


def test_the_summary_holds_the_whole_stream() -> None:
    """Time in each state adds up to the stream's life; mean and p10 are of the smoothed scores alone."""
    session = Session(StreamSettings(stream_id="a"), Config(), 10.0)
    session.assess(scored(0.0, 0.8), 11.0)
    session.assess(scored(0.2, 0.8), 12.0)
    session.assess(without_a_face(0.4), 12.5)
    session.assess(without_a_face(0.6, FrameResult.ERROR), 13.5)
    summary = session.summary(14.0)
    assert summary.state_times_s == {
        StreamState.WAITING: 1.0,
        StreamState.SCORED: 1.5,
        StreamState.NO_FACE: 1.0,
        StreamState.DECODE_ERROR: 0.5,
    }
    assert summary.mean_quality == pytest.approx(0.8)
    assert summary.p10_quality == pytest.approx(0.8)
    assert summary.frames == {FrameResult.SCORED: 2, FrameResult.NO_FACE: 1, FrameResult.ERROR: 1}
    assert sum(session.summary(20.0).state_times_s.values()) == pytest.approx(10.0)
    assert sum(session.summary(20.0).state_times_s.values()) == pytest.approx(10.0), "asking costs nothing"


def test_capture_times_never_go_back(session: Session) -> None:
    """A frame from before the last good one is its own error; the same moment twice is none."""
    for time_s in (-5.0, 1.0, 1.0, 2.0):
        session.check_clock(frame(time_s))
        session.assess(without_a_face(time_s), 0.1)
    with pytest.raises(BadFrame, match=r"went back from 2 to 1\.9"):
        session.check_clock(frame(1.9))
    session.check_clock(frame(2.0))


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), 1e12])
def test_a_broken_frame_does_not_move_the_clock(session: Session, time_s: float) -> None:
    """One frame that cannot be used, its time included, must not make errors of all that follow."""
    session.assess(without_a_face(2.0), 0.1)
    session.check_clock(frame(time_s))
    session.assess(without_a_face(time_s, FrameResult.ERROR), 0.2)
    session.check_clock(frame(2.1))
    with pytest.raises(BadFrame, match="went back"):
        session.check_clock(frame(1.0))


def test_frames_a_second(session: Session) -> None:
    """Counted over the last five seconds; a stream that pauses comes to 0."""
    assert session.fps(0.0) == 0
    for index in range(100):
        session.note_frame(frame(index / 10), index / 10, 1e9 + index / 10)
    assert session.fps(9.9) == pytest.approx(10, abs=0.3)
    assert session.last_frame_wall_s == 1e9 + 9.9
    assert session.fps(20.0) == 0


@pytest.mark.parametrize(
    ("delivery", "asked", "allowed"),
    [
        (Delivery.LIVE, 0, 60),
        (Delivery.LIVE, 5, 5),
        (Delivery.LIVE, 500, 60),
        (Delivery.COMPLETE, 0, 0),
        (Delivery.COMPLETE, 500, 500),
    ],
)
def test_the_frame_rate_in_force(delivery: Delivery, asked: float, allowed: float) -> None:
    """The server's limit binds live streams alone: COMPLETE delivery waits anyway."""
    asked_settings = StreamSettings(stream_id="a", delivery=delivery, max_fps=asked)
    assert Session(asked_settings, Config(), 0.0).max_fps == allowed


@pytest.mark.parametrize(
    ("delivery", "asked", "in_force"),
    [
        (Delivery.LIVE, 1.0, 1.0),
        (Delivery.LIVE, 0.25, 2 / 3),
        (Delivery.LIVE, 0.0, 0.0),
        (Delivery.COMPLETE, 1.0, 0.0),
    ],
)
def test_a_steady_stream_is_scored_often_enough_to_stay_fresh(
    delivery: Delivery, asked: float, in_force: float
) -> None:
    """A least rate that would let the stream go stale is raised to twice in that time; files have none."""
    settings = StreamSettings(stream_id="a", delivery=delivery, min_fps=asked)
    assert Session(settings, Config(stale_after_s=3.0), 0.0).min_fps == pytest.approx(in_force)


@pytest.mark.parametrize(("delivery", "is_live"), [(Delivery.LIVE, True), (Delivery.COMPLETE, False)])
def test_waits_of_complete_streams_say_nothing_of_live_ones(delivery: Delivery, is_live: bool) -> None:
    """Their frames wait on purpose: who sends many of them locks no live stream out."""
    assert Session(StreamSettings(stream_id="a", delivery=delivery), Config(), 0.0).flow.is_live is is_live


def test_the_raw_quality_is_of_the_last_scored_frame(session: Session) -> None:
    """Frames without a face do not hide it; without a current score there is none."""
    seen = [session.raw_quality]
    for score, now_s in ((scored(0.0, 0.8), 0.1), (scored(0.2, 0.3), 0.3), (without_a_face(0.4), 0.5)):
        session.assess(score, now_s)
        seen.append(session.raw_quality)
    session.check_stale(4.0)
    seen.append(session.raw_quality)
    session.assess(without_a_face(4.1), 4.2)
    seen.append(session.raw_quality)
    assert seen == [None, 0.8, 0.3, 0.3, None, None]


def test_answers_are_timed_from_the_frames_receipt(session: Session) -> None:
    """The last answered frame's counts; what is no answer to a frame leaves it as it is."""
    seen = [session.answer_time_s]
    for score, received_s, sent_s in (
        (scored(0.0, 0.8), 10.0, 10.5),
        (scored(0.2, 0.8), None, 12.0),
        (without_a_face(0.4, FrameResult.ERROR), 11.0, 12.25),
    ):
        session.note_sent(session.assess(score, sent_s, received_s), sent_s)
        seen.append(session.answer_time_s)
    assert seen == [None, 0.5, 0.5, 1.25]
