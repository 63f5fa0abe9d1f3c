"""Sessions: who may open, resume and take over a stream, what ends one, and what its summary says."""

from __future__ import annotations

import asyncio

import pytest

from facegauge_server.access.identity import Identity, Right
from facegauge_server.config import Config, Limits, StreamSettings
from facegauge_server.errors import Draining, QuotaExceeded, ResumeRefused, ServerFull, StreamExists
from facegauge_server.streams.connection import Ending
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.types import (
    Assessment,
    Box,
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


async def test_a_stream_opens_and_ends(table: SessionTable, ended: Ended) -> None:
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


async def test_a_live_id_is_taken(table: SessionTable) -> None:
    """A second stream of the same id is refused, and the first goes on."""
    opened = table.open(settings(), 0.0)
    with pytest.raises(StreamExists, match="'a' is live"):
        table.open(settings(), 1.0)
    assert table.snapshot() == [opened.session]
    assert opened.session.connection is opened.connection


async def test_a_stream_ends_with_its_block(table: SessionTable, ended: Ended) -> None:
    """Opening and closing are one block: a stream that finishes, or breaks our rules, is over with it."""
    times_s = iter(range(100))
    with table.connected(settings(), lambda: next(times_s)) as opened:
        assert table.snapshot() == [opened.session]
    assert (len(table), len(ended.summaries)) == (0, 1)
    with pytest.raises(StreamExists), table.connected(settings(), lambda: next(times_s)):
        raise StreamExists
    assert (len(table), len(ended.summaries)) == (0, 2)


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError, OSError])
async def test_a_block_that_breaks_leaves_a_stream_that_can_resume(
    table: SessionTable, ended: Ended, error: type[BaseException]
) -> None:
    """Whatever breaks the block, the connection is let go: the stream waits for its token, then ends."""
    with pytest.raises(error), table.connected(settings(), lambda: 1.0) as opened:
        raise error
    assert opened.session.connection is None
    table.housekeep(100.0)
    assert (len(table), len(ended.summaries)) == (0, 1)


async def test_a_full_table_refuses(table: SessionTable) -> None:
    """The limit is named; a stream that ends makes room, and one that resumes needs none."""
    streams = [table.open(settings(name), 0.0) for name in "abc"]
    with pytest.raises(ServerFull, match=r"3 streams already \(--max-streams\)"):
        table.open(settings("d"), 0.0)
    lose(table, streams[0], 1.0)
    assert table.open(settings("a", streams[0].session.token), 2.0).resumed
    table.detach(streams[1].session, streams[1].connection, 3.0, finished=True)
    table.open(settings("d"), 3.0)
    assert len(table) == 3


async def test_a_lost_stream_gives_way_to_a_newcomer(table: SessionTable, ended: Ended) -> None:
    """Where the table is full: the one that has least to lose, so that who vanishes locks nobody out."""
    watched, vanished, _ = (table.open(settings(name), 0.0) for name in "abc")
    watched.session.assess(scored(0.5, 0.8), 0.5)
    for opened in (watched, vanished):
        lose(table, opened, 1.0)
    table.open(settings("d"), 2.0)
    assert [session.settings.stream_id for session in table.snapshot()] == ["a", "c", "d"]
    table.open(settings("e"), 2.0)
    assert [session.settings.stream_id for session in table.snapshot()] == ["c", "d", "e"]
    assert len(ended.summaries) == 2
    with pytest.raises(ServerFull):
        table.open(settings("f"), 2.0)


async def test_a_tenants_lost_streams_give_way_to_its_own(ended: Ended) -> None:
    """A quota counts what is live; another tenant's lost stream is not touched for it."""
    table = SessionTable(Config(limits=Limits(max_streams=3, max_tenant_streams=1)), ended)
    one, two = (Identity(tenant, frozenset(Right)) for tenant in ("one", "two"))
    lose(table, table.open(settings("a"), 0.0, two), 1.0)
    lost = table.open(settings("a"), 0.0, one)
    with pytest.raises(QuotaExceeded):
        table.open(settings("b"), 1.0, one)
    lose(table, lost, 1.0)
    table.open(settings("b"), 2.0, one)
    assert [(session.tenant, session.settings.stream_id) for session in table.snapshot()] == [
        ("two", "a"),
        ("one", "b"),
    ]


async def test_a_lost_stream_resumes_with_its_token(table: SessionTable, ended: Ended) -> None:
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


async def test_nobody_comes_back(table: SessionTable, ended: Ended) -> None:
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
async def test_a_wrong_token_takes_nothing_over(table: SessionTable, token: str, is_lost: bool) -> None:
    """Neither a live stream nor a lost one goes to whoever guesses."""
    first = table.open(settings(), 0.0)
    if is_lost:
        lose(table, first, 1.0)
    with pytest.raises(ResumeRefused, match="not that of stream 'a'"):
        table.open(settings(resume_token=token), 2.0)
    assert (first.session.connection is None) == is_lost


async def test_a_half_open_stream_is_taken_over(table: SessionTable) -> None:
    """The token also takes a stream from a connection that the server still believes in."""
    first = table.open(settings(), 0.0)
    second = table.open(settings(resume_token=first.session.token), 1.0)
    assert first.connection.ended.result() is Ending.TAKEN_OVER
    assert not second.connection.ended.done()
    table.detach(first.session, first.connection, 2.0, finished=True)
    assert second.session.connection is second.connection, "the old connection's end changes nothing"
    assert len(table) == 1


async def test_a_lost_id_is_kept_for_its_token(table: SessionTable, ended: Ended) -> None:
    """Whoever has no token waits for the end of the window, and is answered how long that is."""
    first = table.open(settings(), 0.0)
    lose(table, first, 1.0)
    with pytest.raises(StreamExists, match=r"waits 4\.0 s more for its client \(--resume-window\)"):
        table.open(settings(), 2.0)
    assert (table.snapshot(), ended.summaries) == ([first.session], [])
    table.housekeep(6.0)
    second = table.open(settings(), 6.0)
    assert not second.resumed
    assert second.session is not first.session
    assert (len(table), len(ended.summaries)) == (1, 1)


async def test_a_token_is_renewed_with_each_use(table: SessionTable) -> None:
    """The earlier token holds until a frame shows that the new one arrived, then no more."""
    first = table.open(settings(), 0.0)
    tokens = [first.session.token]
    lose(table, first, 1.0)
    tokens.append(table.open(settings(resume_token=tokens[0]), 2.0).session.token)
    assert tokens[0] != tokens[1]
    again = table.open(settings(resume_token=tokens[0]), 3.0)  # the answer with the new one was lost
    assert again.resumed
    tokens.append(again.session.token)
    again.session.note_frame(EncodedFrame(0, 0.0, Encoding.JPEG, b""), 4.0, 0.0)
    for earlier in tokens[:2]:
        with pytest.raises(ResumeRefused):
            table.open(settings(resume_token=earlier), 5.0)
    assert table.open(settings(resume_token=tokens[2]), 5.0).resumed


async def test_without_a_window_a_lost_stream_ends_at_once(ended: Ended) -> None:
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


async def test_the_worst_stream_comes_first(table: SessionTable) -> None:
    """Lowest quality first, streams without one last, and a call's streams alone if asked."""
    for name, call, quality in (("a", "x", 0.9), ("b", "y", None), ("c", "x", 0.1)):
        session = table.open(settings(name, call_id=call), 0.0).session
        if quality is not None:
            session.assess(scored(0.0, quality), 0.1)
    assert [session.settings.stream_id for session in table.worst_first()] == ["c", "a", "b"]
    assert [session.settings.stream_id for session in table.worst_first("x")] == ["c", "a"]
    assert table.worst_first("z") == []
    assert [session.settings.stream_id for session in table.worst_first(stream_id="b")] == ["b"]
    assert table.worst_first("x", stream_id="b") == []


async def test_streams_of_one_id() -> None:
    """Every tenant may have one, and sees its own; an id that nobody has, however long, lists none."""
    table = SessionTable(Config())
    acme, other = (Identity(tenant, frozenset(Right), None) for tenant in ("acme", "other"))
    for identity in (acme, other):
        table.open(settings("a", call_id="x"), 0.0, identity)
        table.open(settings("b", call_id="y"), 0.0, identity)
    for identity in (acme, other):
        (found,) = table.worst_first(identity=identity, stream_id="a")
        assert (found.tenant, found.settings.stream_id) == (identity.tenant, "a")
        assert table.worst_first("y", identity, stream_id="a") == [], "both filters hold"
        assert table.worst_first(identity=identity, stream_id="a" * 200) == []
    assert table.worst_first(stream_id="a") == []


async def test_drain(table: SessionTable, ended: Ended) -> None:
    """Live streams get a notice and are asked to finish, lost ones end, new ones are refused."""
    live, lost = table.open(settings("live"), 0.0), table.open(settings("lost"), 0.0)
    lose(table, lost, 1.0)
    before = table.is_draining
    table.drain(2.0)
    assert (before, table.is_draining) == (False, True)
    notice = await live.connection.outbox.get()
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.DRAINING
    assert live.connection.ended.result() is Ending.DRAINING
    assert (len(table), len(ended.summaries)) == (1, 1)
    for token in ("", live.session.token):
        with pytest.raises(Draining):
            table.open(settings("live", token), 3.0)
    lose(table, live, 3.0)
    assert (len(table), len(ended.summaries)) == (0, 2), "nobody resumes on a server that is shutting down"
