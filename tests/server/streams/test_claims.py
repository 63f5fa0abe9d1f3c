"""Who goes on with a stream, and from what: tokens, checkpoints, and both, on one server and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from facegauge_server.access.identity import Identity, Right
from facegauge_server.checkpoints.issuer import CheckpointIssuer
from facegauge_server.checkpoints.keys import CheckpointKeys
from facegauge_server.config import Config, Limits, StreamSettings
from facegauge_server.errors import (
    CheckpointDamaged,
    CheckpointExpired,
    CheckpointForeign,
    CheckpointReplayed,
    ResumeRefused,
    ServerFull,
    StreamExists,
)
from facegauge_server.events.event import Event
from facegauge_server.kinds import EventKind
from facegauge_server.streams.connection import Ending
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.types import (
    Box,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    StreamState,
)


class Fleet:
    """Servers with one key, and a wall clock that they share."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.events: list[Event] = []
        self.resumptions: list[str] = []
        self.issuer = CheckpointIssuer(CheckpointKeys(None), 300.0, lambda: self.wall_s)

    def server(self, **settings: Any) -> SessionTable:
        return SessionTable(
            Config(**settings),
            report=self.events.append,
            issuer=self.issuer,
            on_resume=self.resumptions.append,
        )


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def settings(token: str = "", checkpoint: bytes = b"", **changed: Any) -> StreamSettings:
    return StreamSettings(**{"stream_id": "a", "resume_token": token, "checkpoint": checkpoint, **changed})


def feed(opened: Opened, *at_s: float, quality: float = 0.9) -> bytes:
    """Frames of one face; the newest checkpoint that they brought."""
    checkpoint = b""
    for time_s in at_s:
        opened.session.note_frame(EncodedFrame(int(time_s * 10), time_s, Encoding.JPEG, b"x"), time_s, 0.0)
        face = FaceScore(FaceBox(1, Box(0, 0, 200, 200)), FaceState.SCORED, quality)
        opened.session.assess(FrameScore(int(time_s * 10), time_s, FrameResult.SCORED, (face,)), time_s)
        checkpoint = opened.session.checkpoints.due(time_s) or checkpoint
    return checkpoint


async def test_another_server_goes_on(fleet: Fleet) -> None:
    """With the score, the counts and what has been told; as the stream that it has been from the start."""
    first, second = fleet.server(), fleet.server()
    opened = first.open(settings(), 0.0)
    checkpoint = feed(opened, 0.0, 1.0, 2.0)
    fleet.wall_s += 7
    again = second.open(settings("unknown here", checkpoint), 100.0)
    assert again.resumed
    session = again.session
    assert session.quality.quality == pytest.approx(0.9, abs=1e-4)
    assert session.quality.state is StreamState.SCORED
    assert (session.frames[FrameResult.SCORED], session.last_sequence) == (3, 20)
    assert session.started_s == pytest.approx(100.0 - 7 - 2, abs=0.01)
    told = [(event.kind, event.band) for event in fleet.events]
    assert [kind for kind, _ in told] == [
        EventKind.STREAM_BEGAN,
        EventKind.BAND_CHANGED,
        EventKind.STREAM_RESUMED,
    ]
    feed(again, 3.0)
    assert len(fleet.events) == 3, "no band is told twice"
    assert fleet.resumptions == ["checkpoint"]
    assert session.summary(103.0).mean_quality == pytest.approx(0.9, abs=1e-4)


async def test_the_session_itself_is_fresher_than_its_checkpoint(fleet: Fleet) -> None:
    """With the token of the server that has it, the stream loses nothing at all."""
    table = fleet.server()
    opened = table.open(settings(), 0.0)
    checkpoint = feed(opened, 0.0, 2.0, 3.0)
    again = table.open(settings(opened.session.token, checkpoint), 4.0)
    assert again.session is opened.session
    assert fleet.resumptions == ["session"]


async def test_a_stream_that_was_elsewhere_meanwhile_comes_back_with_what_it_knows(fleet: Fleet) -> None:
    """A server that still holds what the stream was before lets go of that, without a word to anybody."""
    first, second = fleet.server(), fleet.server()
    held = first.open(settings(), 0.0)
    checkpoint = feed(held, 0.0, 2.0)
    fleet.wall_s += 1
    elsewhere = second.open(settings("", checkpoint), 0.0)
    fleet.wall_s += 1
    newer = feed(elsewhere, 3.0, 4.5)
    fleet.wall_s += 1
    fleet.events.clear()
    back = first.open(settings(elsewhere.session.token, newer), 5.0)
    assert back.session is not held.session
    assert back.session.frames[FrameResult.SCORED] == 4
    assert held.connection.ended.result() is Ending.TAKEN_OVER
    first.detach(held.session, held.connection, 5.0, finished=False)
    first.housekeep(5.1)
    assert first.snapshot() == [back.session]
    assert [event.kind for event in fleet.events] == [EventKind.STREAM_RESUMED]


async def test_an_older_checkpoint_is_a_replay(fleet: Fleet) -> None:
    """Whoever has kept one cannot take the stream back to it, nor over, where the server knows better."""
    table = fleet.server()
    opened = table.open(settings(), 0.0)
    first = feed(opened, 0.0, 2.0)
    fleet.wall_s += 2
    newest = feed(opened, 4.0)
    for token in ("", "wrong"):
        with pytest.raises(CheckpointReplayed, match="has gone on since"):
            table.open(settings(token, first), 5.0)
    assert table.open(settings("", newest), 5.0).session is opened.session, "who has the newest is its client"
    assert fleet.resumptions == ["refused", "refused", "session"]


async def test_a_checkpoint_may_be_shown_again_until_the_client_knows(fleet: Fleet) -> None:
    """Where the answer to it was lost; once a frame has come, it is a replay."""
    first, second = fleet.server(), fleet.server()
    checkpoint = feed(first.open(settings(), 0.0), 0.0, 2.0)
    opened = second.open(settings("", checkpoint), 3.0)
    assert second.open(settings("", checkpoint), 3.5).session is opened.session
    feed(opened, 4.0, 4.1)
    feed(opened, 6.0)
    with pytest.raises(CheckpointReplayed):
        second.open(settings("", checkpoint), 7.0)


async def test_a_stream_that_began_anew_is_not_taken_back(fleet: Fleet) -> None:
    """The id is that of another life."""
    first, second = fleet.server(), fleet.server()
    checkpoint = feed(first.open(settings(), 0.0), 0.0, 2.0)
    fleet.wall_s += 1
    second.open(settings(), 3.0)
    with pytest.raises(CheckpointReplayed):
        second.open(settings("", checkpoint), 4.0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda checkpoint: settings("", checkpoint, stream_id="b"), CheckpointForeign),
        (lambda checkpoint: settings("", checkpoint, call_id="c"), CheckpointForeign),
        (lambda checkpoint: settings("", checkpoint[:-1] + b"~~"), CheckpointDamaged),
    ],
)
async def test_what_does_not_hold_begins_no_stream(
    fleet: Fleet, change: Callable[[bytes], StreamSettings], error: type[Exception]
) -> None:
    """The client is told why, and begins anew if it likes."""
    checkpoint = feed(fleet.server().open(settings(), 0.0), 0.0, 2.0)
    second = fleet.server()
    with pytest.raises(error):
        second.open(change(checkpoint), 3.0)
    with pytest.raises(CheckpointForeign):
        second.open(settings("", checkpoint), 3.0, Identity("another", frozenset(Right)))
    fleet.wall_s += 301
    with pytest.raises(CheckpointExpired):
        second.open(settings("", checkpoint), 3.0)
    assert len(second) == 0
    assert not second.open(settings(), 3.0).resumed


async def test_a_full_server_sends_a_stream_on_with_its_checkpoint(fleet: Fleet) -> None:
    """It needs a place as any other; the one that it had before is enough."""
    first, second = fleet.server(limits=Limits(max_streams=1)), fleet.server(limits=Limits(max_streams=1))
    opened = first.open(settings(), 0.0)
    checkpoint = feed(opened, 0.0, 2.0)
    second.open(settings(stream_id="b"), 0.0)
    with pytest.raises(ServerFull):
        second.open(settings("", checkpoint), 3.0)


async def test_without_any_claim_a_live_id_is_taken(fleet: Fleet) -> None:
    """As ever."""
    table = fleet.server()
    table.open(settings(), 0.0)
    with pytest.raises(StreamExists):
        table.open(settings(), 1.0)
    with pytest.raises(ResumeRefused):
        table.open(settings("wrong"), 1.0)


async def test_no_checkpoint_is_sent_where_the_operator_wants_none(fleet: Fleet) -> None:
    """--checkpoint-interval 0."""
    opened = fleet.server(checkpoint_interval_s=0.0).open(settings(), 0.0)
    assert feed(opened, 0.0, 2.0, 9.0) == b""
    assert opened.session.checkpoints.now(9.0) == b""


async def test_what_a_worker_makes_up_costs_a_checkpoint_and_no_stream(fleet: Fleet) -> None:
    """A worker that a picture has taken over may say anything of where the faces are."""
    opened = fleet.server().open(settings(), 0.0)
    opened.session.tracker.snapshot = "nonsense"  # type: ignore[assignment]
    assert feed(opened, 0.0, 2.0, 4.0) == b""
    assert opened.session.frames[FrameResult.SCORED] == 3
