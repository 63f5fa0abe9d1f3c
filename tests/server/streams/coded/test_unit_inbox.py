"""Units wait in order; where too many do, what nobody needs goes first, and never the middle of a chain."""

from __future__ import annotations

import asyncio

import pytest

from facegauge_server.coded_types import Pick
from facegauge_server.config import Limits
from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.streams.coded.decode_chain import DecodeChain
from facegauge_server.streams.coded.unit_inbox import (
    COMPLETE_CAPACITY,
    MAX_WAITING_BYTES,
    MAX_WAITING_UNITS,
    RUN_UNITS,
    CompleteUnitInbox,
    LiveUnitInbox,
    ReceivedRun,
)
from facegauge_server.streams.frame_gate import FrameGate, LeftOut
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.streams.traffic import Traffic
from facegauge_server.types import Decode, EncodedFrame, Encoding

from .test_decode_chain import INTER, KEY

FRAME_S = 1 / 30


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Live:
    """A live inbox that is fed thirty units a second."""

    def __init__(self, max_fps: float = 2.0) -> None:
        self.clock = Clock()
        self.chain = DecodeChain(Decode.ALL, Limits(), Traffic(), is_live=True)
        self.inbox = LiveUnitInbox(self.chain, FrameGate(RateLimit(max_fps), AdaptiveSampler(0)), self.clock)
        self.sent = 0
        self.lost = 0

    def put(self, data: bytes = INTER, layer: int | None = None) -> None:
        frame = EncodedFrame(self.sent, self.sent * FRAME_S, Encoding.VP8, data, temporal_layer=layer)
        self.lost += self.inbox.put(frame, self.clock())
        self.sent += 1
        self.clock.now_s += FRAME_S

    def take(self) -> ReceivedRun | None:
        return self.inbox.take(self.clock())


def sequences(received: ReceivedRun | None) -> list[int]:
    assert received is not None
    return [unit.frame.sequence for unit in received.run.units]


def test_a_run_ends_with_the_unit_that_is_scored() -> None:
    """The first unit at once, then each half second all that came since."""
    live = Live()
    live.put(KEY)
    first = live.take()
    assert (sequences(first), first and first.run.pick) == ([0], Pick.NEWEST)
    for _ in range(11):
        live.put()
    live.clock.now_s += 2 * FRAME_S
    second = live.take()
    assert second is not None
    assert (sequences(second), second.run.pick) == (list(range(1, 12)), Pick.NEWEST)
    assert second.left_out == (LeftOut.TOO_FAST,) * 10 + (None,)
    assert live.lost == 0


async def test_many_units_are_decoded_though_none_is_due() -> None:
    """So that no turn is long; the newest stays, since it may be the one to score."""
    live = Live(max_fps=0.1)
    live.put(KEY)
    live.take()
    for _ in range(RUN_UNITS):
        live.put()
    waiting = asyncio.create_task(live.inbox.wait_for_run())
    await asyncio.sleep(0)
    assert not waiting.done()
    live.put()
    assert await waiting
    received = live.take()
    assert received is not None
    assert (received.run.pick, received.ready_s) == (Pick.NONE, None)
    assert sequences(received) == list(range(1, RUN_UNITS + 1))


def test_the_upper_layers_go_first() -> None:
    """Overload of L1T3: T2 is left out, later T1, and T0 is whole."""
    live = Live()
    live.put(KEY, layer=0)
    for number in range(1, 3 * MAX_WAITING_UNITS):
        live.put(layer=(0, 2, 1, 2)[number % 4])
    taken = sequences(live.take())
    assert taken[0] == 0
    expected = [number for number in range(live.sent) if number % 4 == 0]
    assert [number for number in taken if number % 4 == 0] == expected
    assert not [number for number in taken if number % 2]
    assert live.lost + len(taken) == live.sent
    assert live.chain.keyframe_request(live.clock()) == ""


def test_without_layers_everything_goes_up_to_a_keyframe_that_waits() -> None:
    """It starts the decoder anew, and nobody is asked for another."""
    live = Live()
    live.put(KEY)
    for number in range(1, MAX_WAITING_UNITS + 1):
        live.put(KEY if number == 30 else INTER)
    received = live.take()
    assert received is not None
    assert sequences(received) == list(range(30, MAX_WAITING_UNITS + 1))
    assert received.run.units[0].starts
    assert live.lost == 30
    assert live.chain.keyframe_request(live.clock()) == ""


def test_without_a_keyframe_everything_goes_and_one_is_asked_for() -> None:
    """Nothing is handed out before it has come."""
    live = Live()
    live.put(KEY)
    for _ in range(MAX_WAITING_UNITS + 5):
        live.put()
    assert live.take() is None
    assert live.lost == live.sent
    assert live.chain.keyframe_request(live.clock()) == "the server could not keep up"
    live.put(KEY)
    received = live.take()
    assert received is not None
    assert received.run.units[0].starts


def test_bytes_that_wait_are_bounded() -> None:
    """As units are: large ones are an overload too."""
    live = Live()
    live.put(KEY)
    for _ in range(8):
        live.put(INTER + bytes(MAX_WAITING_BYTES // 4))
        assert live.inbox._bytes <= MAX_WAITING_BYTES
    assert live.lost


def test_a_lost_decoder_costs_the_units_up_to_a_keyframe() -> None:
    """Those that wait as well as those that come."""
    live = Live()
    live.put(KEY)
    live.put()
    live.take()
    for data in (INTER, INTER, KEY, INTER):
        live.put(data)
    assert live.inbox.broke("lost", starved=False) == 2
    live.clock.now_s += 1
    received = live.take()
    assert sequences(received) == [4, 5]
    assert received is not None
    assert received.run.units[0].starts
    live.put()
    assert live.inbox.broke("lost", starved=False) == 1
    assert live.take() is None
    live.put()
    assert live.take() is None
    assert live.chain.keyframe_request(live.clock()) == "lost"


async def test_what_waits_at_the_end_is_decoded_at_once() -> None:
    """And the decoder is told that no more comes."""
    live = Live(max_fps=0.1)
    live.put(KEY)
    live.take()
    live.put()
    live.inbox.close()
    assert await live.inbox.wait_for_run()
    received = live.take()
    assert received is not None
    assert (sequences(received), received.run.ends, received.run.pick) == ([1], True, Pick.NEWEST)
    assert not await live.inbox.wait_for_run()


async def test_a_complete_stream_waits_for_room_and_drops_nothing() -> None:
    """Each unit is a run; after the last the decoder is asked until it is empty."""
    inbox = CompleteUnitInbox(DecodeChain(Decode.ALL, Limits(), Traffic(), is_live=False), max_fps=0)
    taken: list[int] = []
    for number in range(COMPLETE_CAPACITY):
        await inbox.wait_for_room()
        data = INTER if number else KEY
        assert inbox.put(EncodedFrame(number, number * FRAME_S, Encoding.VP8, data), 0.0) == 0
    waiting = asyncio.create_task(inbox.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    taken += sequences(inbox.take(0.0))
    await waiting
    inbox.close()
    while await inbox.wait_for_run():
        received = inbox.take(0.0)
        taken += sequences(received)
        assert received is not None
        last = received
        inbox.decoded(waiting=0)
    assert taken == list(range(COMPLETE_CAPACITY))
    assert last.run.ends


async def test_pictures_that_a_decoder_held_are_fetched_at_the_end() -> None:
    """Runs without units, for as long as some wait."""
    inbox = CompleteUnitInbox(DecodeChain(Decode.ALL, Limits(), Traffic(), is_live=False), max_fps=0)
    inbox.put(EncodedFrame(0, 0.0, Encoding.VP8, KEY), 0.0)
    inbox.take(0.0)
    inbox.decoded(waiting=0)
    inbox.close()
    left = 3
    while await inbox.wait_for_run():
        received = inbox.take(0.0)
        assert received is not None
        assert (received.run.units, received.run.ends) == ((), True)
        left -= 1
        inbox.decoded(waiting=left)
    assert left == 0


@pytest.mark.parametrize(("scored_s", "next_due_s"), [(1.0, 1.1), (1.04, 1.14), (1.35, 1.45)])
def test_the_grid_begins_with_the_first_picture(scored_s: float, next_due_s: float) -> None:
    """As `facegauge replay --fps` samples."""
    inbox = CompleteUnitInbox(DecodeChain(Decode.ALL, Limits(), Traffic(), is_live=False), max_fps=10)
    inbox.put(EncodedFrame(0, 0.0, Encoding.VP8, KEY), 0.0)
    inbox.put(EncodedFrame(1, 0.0, Encoding.VP8, KEY), 0.0)
    inbox.take(0.0)
    inbox.scored(0.5, scored_s)
    received = inbox.take(0.0)
    assert received is not None
    assert received.run.due_s == pytest.approx(next_due_s, abs=1e-5)
