"""What the table tells of its streams, in order, with the figures that explain it."""

from __future__ import annotations

import pytest

from facegauge_server.access.identity import Identity, Right
from facegauge_server.config import Config, Limits, StreamSettings
from facegauge_server.errors import ServerFull
from facegauge_server.events.event import Event
from facegauge_server.kinds import EventKind, FaceState, FrameResult, QualityBand
from facegauge_server.streams.calls import calls_of
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.types import (
    Box,
    Cause,
    CauseKind,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FrameScore,
)

THRESHOLD = Config().cause_threshold
ACME = Identity("acme", frozenset(Right))


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def table(told: list[Event]) -> SessionTable:
    return SessionTable(Config(limits=Limits(max_streams=3)), report=told.append)


def settings(stream_id: str = "a", call_id: str = "call", resume_token: str = "") -> StreamSettings:
    return StreamSettings(
        stream_id=stream_id,
        call_id=call_id,
        resume_token=resume_token,
        median_window=1,
        time_constant_s=0,
    )


def score(table_time_s: float, quality: float, *causes: Cause) -> FrameScore:
    face = FaceScore(FaceBox(1, Box(0, 0, 200, 200)), FaceState.SCORED, quality, causes)
    return FrameScore(0, table_time_s, FrameResult.SCORED, (face,))


def show(opened: Opened, qualities: dict[float, float]) -> None:
    """Assess frames: quality by time."""
    for time_s, quality in qualities.items():
        opened.session.note_frame(EncodedFrame(0, time_s, Encoding.JPEG, b""), time_s, time_s)
        opened.session.assess(score(time_s, quality), time_s)


def kinds(told: list[Event]) -> list[EventKind]:
    return [event.kind for event in told]


async def test_the_life_of_a_stream(table: SessionTable, told: list[Event]) -> None:
    """Begin, bands, resumption and end, each with whose it is; the end has the summary and the reason."""
    with table.connected(settings(), lambda: 0.0, ACME) as opened:
        show(opened, {0.0: 0.9, 1.0: 0.85, 2.0: 0.3, 3.0: 0.41})
        token = opened.session.token
        again = table.open(settings(resume_token=token), 4.0, ACME)
    table.detach(again.session, again.connection, 5.0, finished=True, why="its client closed it")
    assert kinds(told) == [
        EventKind.STREAM_BEGAN,
        EventKind.BAND_CHANGED,
        EventKind.BAND_CHANGED,
        EventKind.STREAM_RESUMED,
        EventKind.STREAM_ENDED,
    ]
    assert {(event.tenant, event.call_id, event.stream_id) for event in told} == {("acme", "call", "a")}
    began, good, poor, _, ended = told
    assert (began.quality, began.band) == (None, None)
    assert (good.quality, good.band, good.previous_band) == (0.9, QualityBand.GOOD, None)
    assert (poor.quality, poor.band, poor.previous_band) == (0.3, QualityBand.POOR, QualityBand.GOOD)
    assert (ended.duration_s, ended.text, ended.quality) == (5.0, "its client closed it", 0.41)
    assert ended.summary is not None
    assert ended.summary.mean_quality == pytest.approx((0.9 + 0.85 + 0.3 + 0.41) / 4)


async def test_a_stream_that_goes_stale_has_no_band(table: SessionTable, told: list[Event]) -> None:
    """The last band is left for none: nobody goes on believing in it."""
    show(table.open(settings(), 0.0), {0.0: 0.3})
    table.housekeep(3.5)
    assert (told[-1].kind, told[-1].band, told[-1].previous_band, told[-1].quality) == (
        EventKind.BAND_CHANGED,
        None,
        QualityBand.POOR,
        None,
    )


async def test_causes_begin_and_end(table: SessionTable, told: list[Event]) -> None:
    """With what they cost and the threshold; one that lasts ends with its stream, before it."""
    opened = table.open(settings(), 0.0)
    blur, noise = Cause(CauseKind.BLUR, 3 * THRESHOLD), Cause(CauseKind.NOISE, 2 * THRESHOLD)
    for time_s, causes in ((0.0, [blur]), (5.0, [blur]), (10.0, [noise]), (14.0, [noise])):
        opened.session.assess(score(time_s, 0.5, *causes), time_s)
    table.detach(opened.session, opened.connection, 20.0, finished=True)
    of_causes = [event for event in told if event.cause is not None and event.kind in CAUSES]
    seen = [(event.kind, event.cause and event.cause.kind, event.duration_s) for event in of_causes]
    assert seen[0] == (EventKind.CAUSE_BEGAN, CauseKind.BLUR, None)
    assert (EventKind.CAUSE_ENDED, CauseKind.BLUR, 10.0) in seen
    assert (EventKind.CAUSE_BEGAN, CauseKind.NOISE, None) in seen
    assert seen[-1] == (EventKind.CAUSE_ENDED, CauseKind.NOISE, 4.0)
    assert of_causes[0].cause == Cause(CauseKind.BLUR, 3 * THRESHOLD, THRESHOLD)
    assert kinds(told)[-1] is EventKind.STREAM_ENDED


CAUSES = (EventKind.CAUSE_BEGAN, EventKind.CAUSE_ENDED)


async def test_streams_that_are_not_let_in_are_told_without_a_flood(
    table: SessionTable, told: list[Event]
) -> None:
    """One a second for each tenant, with how many there were; each caller gets its error all the same."""
    for name in "abc":
        table.open(settings(name), 0.0)
    for number in range(50):
        with pytest.raises(ServerFull):
            table.open(settings(f"knocks-{number}"), 1.0 + number / 100)
    with pytest.raises(ServerFull):
        table.open(settings("later"), 2.5)
    first, second = (event for event in told if event.kind is EventKind.STREAM_SHED)
    assert (first.stream_id, first.streams_shed) == ("knocks-0", 1)
    assert (second.stream_id, second.streams_shed) == ("later", 50)
    assert "--max-streams" in first.text


async def test_a_stream_that_makes_room_is_shed(table: SessionTable, told: list[Event]) -> None:
    """It has lost its connection, and another one needs the place: shed, then ended, both with why."""
    opened = [table.open(settings(name), 0.0) for name in "abc"]
    table.detach(opened[0].session, opened[0].connection, 1.0, finished=False)
    table.open(settings("d"), 2.0)
    shed, ended, began = told[-3:]
    assert [shed.kind, ended.kind, began.kind] == [
        EventKind.STREAM_SHED,
        EventKind.STREAM_ENDED,
        EventKind.STREAM_BEGAN,
    ]
    assert (shed.stream_id, ended.stream_id, began.stream_id) == ("a", "a", "d")
    assert "its place was needed" in shed.text


async def test_frames_that_are_shed_are_told_now_and_then(table: SessionTable, told: list[Event]) -> None:
    """At once, then once in ten seconds, and at the end, so that the counts add up."""
    opened = table.open(settings(), 0.0)
    for second in range(25):
        opened.session.reporter.shed_frames(10)
        table.housekeep(float(second))
    table.detach(opened.session, opened.connection, 25.0, finished=True)
    counts = [event.frames_shed for event in told if event.kind is EventKind.FRAMES_SHED]
    assert counts == [10, 100, 100, 40]


async def test_calls_sum_up_their_streams(table: SessionTable) -> None:
    """Least, mean, main cause and the time under 0.4, of the caller's tenant alone; the worst call first."""
    a, b, other = (
        table.open(settings(name, call), 0.0, ACME)
        for name, call in (("a", "standup"), ("b", "standup"), ("c", "talk"))
    )
    show(a, {0.0: 0.3, 10.0: 0.5})
    show(other, {0.0: 0.9})
    blur = Cause(CauseKind.BLUR, 3 * THRESHOLD)
    b.session.assess(score(0.0, 0.2, blur), 0.0)
    standup, talk = calls_of(table.worst_first(identity=ACME), 20.0)
    assert (standup.call_id, standup.streams, standup.streams_scored) == ("standup", 2, 2)
    assert (standup.least_quality, standup.worst_stream_id) == (0.2, "b")
    assert standup.mean_quality == pytest.approx(0.35)
    assert standup.main_cause is not None
    assert (standup.main_cause.kind, standup.main_cause_streams) == (CauseKind.BLUR, 1)
    assert standup.poor_s == pytest.approx(10.0 + 20.0)
    assert (talk.call_id, talk.least_quality, talk.main_cause, talk.poor_s) == ("talk", 0.9, None, 0.0)
    assert calls_of(table.worst_first(), 20.0) == []
