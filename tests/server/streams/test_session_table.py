"""Sessions: who may open, resume and take over a stream, what ends one, and what its summary says."""

from __future__ import annotations

import pytest

from facegauge_server.config import Config, Limits, StreamSettings
from facegauge_server.errors import BadFrame, Draining, ResumeRefused, ServerFull, StreamExists
from facegauge_server.streams.session_table import Opened, Session, SessionTable
from facegauge_server.types import (
    Assessment,
    Box,
    Delivery,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    Notice,
    NoticeKind,
    StreamQuality,
    StreamState,
    StreamSummary,
)


def settings(stream_id: str = "a", resume_token: str = "", call_id: str = "") -> StreamSettings:
    return StreamSettings(stream_id=stream_id, resume_token=resume_token, call_id=call_id)


def scored(time_s: float, raw_quality: float) -> FrameScore:
    face = FaceScore(FaceBox(1, Box(0, 0, 200, 200)), FaceState.SCORED, raw_quality)
    return FrameScore(0, time_s, FrameResult.SCORED, (face,))


def without_a_face(time_s: float, result: FrameResult = FrameResult.NO_FACE) -> FrameScore:
    return FrameScore(0, time_s, result)


def frame(time_s: float) -> EncodedFrame:
    return EncodedFrame(0, time_s, Encoding.JPEG, b"")


class Ended:
    """Collects the summaries of the streams that ended."""

    def __init__(self) -> None:
        self.summaries: list[StreamSummary] = []

    def __call__(self, summary: StreamSummary) -> None:
        self.summaries.append(summary)


@pytest.fixture
def ended() -> Ended:
    return Ended()


@pytest.fixture
def table(ended: Ended) -> SessionTable:
    return SessionTable(Config(resume_window_s=5.0, limits=Limits(max_streams=3)), ended)


def lose(table: SessionTable, opened: Opened, now_s: float) -> None:
    """Break a stream's connection."""
    table.detach(opened.session, opened.connection, now_s, finished=False)


def test_a_stream_opens_and_ends(table: SessionTable, ended: Ended) -> None:
    """A finished stream leaves the table and is summed up once."""
    opened = table.open(settings(), 0.0)
    assert (opened.resumed, len(table)) == (False, 1)
    assert opened.session.quality.state is StreamState.WAITING
    table.detach(opened.session, opened.connection, 2.0, finished=True)
    table.detach(opened.session, opened.connection, 2.0, finished=True)
    table.housekeep(100.0)
    assert len(table) == 0
    assert [summary.state_times_s for summary in ended.summaries] == [{StreamState.WAITING: 2.0}]
    assert ended.summaries[0].mean_quality is None


def test_a_live_id_is_taken(table: SessionTable) -> None:
    """A second stream of the same id is refused, and the first goes on."""
    opened = table.open(settings(), 0.0)
    with pytest.raises(StreamExists, match="'a' is live"):
        table.open(settings(), 1.0)
    assert table.snapshot() == [opened.session]
    assert opened.session.connection is opened.connection


def test_a_full_table_refuses(table: SessionTable) -> None:
    """The limit is named; a stream that ends makes room, and one that resumes needs none."""
    streams = [table.open(settings(name), 0.0) for name in "abc"]
    with pytest.raises(ServerFull, match=r"3 streams already \(--max-streams\)"):
        table.open(settings("d"), 0.0)
    lose(table, streams[0], 1.0)
    assert table.open(settings("a", streams[0].session.token), 2.0).resumed
    table.detach(streams[1].session, streams[1].connection, 3.0, finished=True)
    table.open(settings("d"), 3.0)
    assert len(table) == 3


def test_a_lost_stream_resumes_with_its_token(table: SessionTable, ended: Ended) -> None:
    """Within the window the token brings back the same session: its counts and its quality."""
    first = table.open(settings(), 0.0)
    first.session.assess(scored(0.0, 0.7), 0.5)
    lose(table, first, 1.0)
    assert len(table) == 1
    table.housekeep(5.9)
    again = table.open(settings(resume_token=first.session.token), 5.9)
    assert again.resumed
    assert again.session is first.session
    assert again.connection is not first.connection
    table.housekeep(100.0)
    assert len(table) == 1, "it is no longer lost"
    assert ended.summaries == []


def test_nobody_comes_back(table: SessionTable, ended: Ended) -> None:
    """A lost stream ends when its window is over; its token then opens a new stream."""
    first = table.open(settings(), 0.0)
    lose(table, first, 1.0)
    table.housekeep(6.0)
    assert (len(table), len(ended.summaries)) == (0, 1)
    again = table.open(settings(resume_token=first.session.token), 7.0)
    assert not again.resumed
    assert again.session.token != first.session.token


@pytest.mark.parametrize("token", ["wrong", "é\u2603", "x" * 256])
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_wrong_token_takes_nothing_over(table: SessionTable, token: str, is_lost: bool) -> None:
    """Neither a live stream nor a lost one goes to whoever guesses."""
    first = table.open(settings(), 0.0)
    if is_lost:
        lose(table, first, 1.0)
    with pytest.raises(ResumeRefused, match="not that of stream 'a'"):
        table.open(settings(resume_token=token), 2.0)
    assert (first.session.connection is None) == is_lost


def test_a_half_open_stream_is_taken_over(table: SessionTable) -> None:
    """The token also takes a stream from a connection that the server still believes in."""
    first = table.open(settings(), 0.0)
    told: list[str] = []
    first.connection.on_taken_over = lambda: told.append("taken over")
    second = table.open(settings(resume_token=first.session.token), 1.0)
    assert told == ["taken over"]
    table.detach(first.session, first.connection, 2.0, finished=True)
    assert second.session.connection is second.connection, "the old connection's end changes nothing"
    assert len(table) == 1


def test_a_lost_id_without_a_token_is_a_new_stream(table: SessionTable, ended: Ended) -> None:
    """A sender that starts over does not wait for the window of the stream before it."""
    first = table.open(settings(), 0.0)
    lose(table, first, 1.0)
    second = table.open(settings(), 2.0)
    assert not second.resumed
    assert second.session is not first.session
    assert (len(table), len(ended.summaries)) == (1, 1)


def test_without_a_window_a_lost_stream_ends_at_once(ended: Ended) -> None:
    """`--resume-window 0` turns resuming off."""
    table = SessionTable(Config(resume_window_s=0), ended)
    lose(table, table.open(settings(), 0.0), 1.0)
    assert (len(table), len(ended.summaries)) == (0, 1)


async def test_a_stale_stream_is_told_once(table: SessionTable) -> None:
    """Three seconds without a score: the quality goes, unasked, with one message; a score brings it back."""
    session, connection = (opened := table.open(settings(), 0.0)).session, opened.connection
    table.housekeep(50.0)
    assert session.quality == StreamQuality(StreamState.WAITING), "what never had a quality is not stale"
    session.assess(scored(0.0, 0.7), 50.0)
    session.note_unscored(FrameResult.DROPPED, 2)
    for now_s in (52.0, 53.0, 54.0):
        table.housekeep(now_s)
    assert (session.quality.state, session.quality.quality) == (StreamState.STALE, None)
    told = await connection.outbox.get()
    assert isinstance(told, Assessment)
    assert (told.score, told.stream.state, told.frames_dropped) == (None, StreamState.STALE, 2)
    connection.outbox.close()
    assert await connection.outbox.get() is None
    back = session.assess(scored(4.0, 0.7), 55.0)
    assert (back.stream.state, back.frames_dropped) == (StreamState.SCORED, 0), "told once"


def test_drops_are_told_with_the_next_assessment(table: SessionTable) -> None:
    """Every drop is counted, and told once."""
    session = table.open(settings(), 0.0).session
    session.note_unscored(FrameResult.DROPPED, 2)
    session.note_unscored(FrameResult.DROPPED, 3)
    assert session.assess(scored(0.0, 0.7), 0.1).frames_dropped == 5
    assert session.assess(scored(0.2, 0.7), 0.3).frames_dropped == 0
    assert session.frames == {FrameResult.DROPPED: 5, FrameResult.SCORED: 2}


def test_the_summary_holds_the_whole_stream(table: SessionTable) -> None:
    """Time in each state adds up to the stream's life; mean and p10 are of the smoothed scores alone."""
    session = table.open(settings(), 10.0).session
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


def test_capture_times_never_go_back(table: SessionTable) -> None:
    """A frame from before the last good one is its own error; the same moment twice is none."""
    session = table.open(settings(), 0.0).session
    for time_s in (-5.0, 1.0, 1.0, 2.0):
        session.check_clock(frame(time_s))
        session.assess(without_a_face(time_s), 0.1)
    with pytest.raises(BadFrame, match=r"went back from 2 to 1\.9"):
        session.check_clock(frame(1.9))
    session.check_clock(frame(2.0))


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), 1e12])
def test_a_broken_frame_does_not_move_the_clock(table: SessionTable, time_s: float) -> None:
    """One frame that cannot be used, its time included, must not make errors of all that follow."""
    session = table.open(settings(), 0.0).session
    session.assess(without_a_face(2.0), 0.1)
    session.check_clock(frame(time_s))
    session.assess(without_a_face(time_s, FrameResult.ERROR), 0.2)
    session.check_clock(frame(2.1))
    with pytest.raises(BadFrame, match="went back"):
        session.check_clock(frame(1.0))


def test_frames_a_second(table: SessionTable) -> None:
    """Counted over the last five seconds; a stream that pauses comes to 0."""
    session = table.open(settings(), 0.0).session
    assert session.fps(0.0) == 0
    for index in range(100):
        session.note_frame(index / 10, 1e9 + index / 10)
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


def test_the_worst_stream_comes_first(table: SessionTable) -> None:
    """Lowest quality first, streams without one last, and a call's streams alone if asked."""
    for name, call, quality in (("a", "x", 0.9), ("b", "y", None), ("c", "x", 0.1)):
        session = table.open(settings(name, call_id=call), 0.0).session
        if quality is not None:
            session.assess(scored(0.0, quality), 0.1)
    assert [session.settings.stream_id for session in table.worst_first()] == ["c", "a", "b"]
    assert [session.settings.stream_id for session in table.worst_first("x")] == ["c", "a"]
    assert table.worst_first("z") == []


async def test_drain(table: SessionTable, ended: Ended) -> None:
    """Live streams are told and asked to finish, lost ones end, new ones are refused."""
    live, lost = table.open(settings("live"), 0.0), table.open(settings("lost"), 0.0)
    lose(table, lost, 1.0)
    asked: list[str] = []
    live.connection.on_drain = lambda: asked.append("drain")
    before = table.is_draining
    table.drain(2.0)
    assert (before, table.is_draining) == (False, True)
    notice = await live.connection.outbox.get()
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.DRAINING
    assert asked == ["drain"]
    assert (len(table), len(ended.summaries)) == (1, 1)
    for token in ("", live.session.token):
        with pytest.raises(Draining):
            table.open(settings("live", token), 3.0)
    lose(table, live, 3.0)
    assert (len(table), len(ended.summaries)) == (0, 2), "nobody resumes on a server that goes down"


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
