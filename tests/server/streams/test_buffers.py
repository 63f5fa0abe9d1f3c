"""Frames and messages wait in bounded places: LIVE replaces what is old, COMPLETE makes others wait."""

from __future__ import annotations

import asyncio

import pytest

from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.streams.buffers import COMPLETE_CAPACITY, CompleteInbox, LiveInbox, Outbox, create_inbox
from facegauge_server.streams.frame_gate import FrameGate, LeftOut
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.types import (
    Assessment,
    Delivery,
    EncodedFrame,
    Encoding,
    Notice,
    NoticeKind,
    StreamQuality,
    StreamState,
    StreamSummary,
)
from tests.server.stepping import Stepped


def frame(sequence: int) -> EncodedFrame:
    return EncodedFrame(sequence, float(sequence), Encoding.JPEG, b"")


def assessment(frames_dropped: int = 0) -> Assessment:
    return Assessment(None, StreamQuality(StreamState.SCORED), frames_dropped)


class Clock:
    """Time that stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def live(max_fps: float = 0.0) -> tuple[LiveInbox, Clock]:
    clock = Clock()
    return LiveInbox(FrameGate(RateLimit(max_fps), AdaptiveSampler(0)), clock), clock


def complete(max_fps: float = 0.0) -> tuple[CompleteInbox, Clock]:
    clock = Clock()
    return CompleteInbox(RateLimit(max_fps), clock), clock


async def test_the_newest_live_frame_wins() -> None:
    """Under LIVE delivery there is always room; older frames give way, and it is said why."""
    inbox, _ = live()
    left_out = []
    for sequence in range(5):
        await inbox.wait_for_room()
        left_out.append(inbox.put(frame(sequence), 0.0))
    assert left_out == [None, *[LeftOut.OVERLOAD] * 4]
    assert await inbox.wait_for_frame()
    received = inbox.take(0.0)
    assert received is not None
    assert received.frame.sequence == 4
    assert inbox.take(0.0) is None


async def test_a_live_frame_is_handed_out_when_its_limit_allows() -> None:
    """The reader waits for a frame, then until it may pass; meanwhile a newer frame takes its place."""
    inbox, clock = live(max_fps=0.001)
    reader = Stepped(inbox.wait_for_frame())
    assert reader.waits()
    inbox.put(frame(0), 0.0)
    assert reader.result()
    assert inbox.take(0.0) is not None
    inbox.put(frame(1), 1.0)
    reader = Stepped(inbox.wait_for_frame())
    assert inbox.put(frame(2), 2.0) is LeftOut.TOO_FAST
    assert reader.waits()
    clock.now_s = 1000.0
    inbox.put(frame(3), 1000.0)
    assert reader.result()
    received = inbox.take(1000.0)
    assert received is not None
    assert received.frame.sequence == 3


async def test_a_live_frame_that_nothing_follows_wakes_its_reader() -> None:
    """No event but time itself: the loop's timer is set for the moment when the frame may pass."""
    inbox = create_inbox(Delivery.LIVE, max_fps=5.0, min_fps=0.0)
    loop = asyncio.get_running_loop()
    for sequence in range(2):
        inbox.put(frame(sequence), loop.time())
        async with asyncio.timeout(60):
            assert await inbox.wait_for_frame()
        assert inbox.take(loop.time()) is not None


async def test_closing_a_live_inbox_releases_what_it_holds() -> None:
    """The end of a stream waits for no limit; without a frame there is nothing to wait for at all."""
    inbox, _ = live(max_fps=0.001)
    inbox.put(frame(0), 0.0)
    inbox.take(0.0)
    inbox.put(frame(1), 1.0)
    reader = Stepped(inbox.wait_for_frame())
    assert reader.waits()
    inbox.close()
    assert reader.result()
    assert inbox.take(1.0) is not None
    assert not await inbox.wait_for_frame()


async def test_complete_delivery_waits_for_room() -> None:
    """Under COMPLETE delivery every frame comes through, in order, and the writer waits."""
    inbox, _ = complete()
    for sequence in range(COMPLETE_CAPACITY):
        await inbox.wait_for_room()
        inbox.put(frame(sequence), 0.0)
    sequences = []
    for sequence in range(COMPLETE_CAPACITY, 20):
        writer = Stepped(inbox.wait_for_room())
        assert writer.waits()
        received = inbox.take(0.0)
        assert received is not None
        sequences.append(received.frame.sequence)
        assert not writer.waits()
        inbox.put(frame(sequence), 0.0)
    assert sequences == list(range(20 - COMPLETE_CAPACITY))


async def test_complete_delivery_waits_for_its_rate() -> None:
    """Under COMPLETE delivery a rate limit makes the writer wait: nothing is dropped."""
    inbox, clock = complete(max_fps=0.001)
    inbox.put(frame(0), 0.0)
    writer = Stepped(inbox.wait_for_room())
    assert writer.waits()
    writer.give_up()
    clock.now_s = 1000.0
    await inbox.wait_for_room()


async def test_a_closed_complete_inbox_hands_out_what_it_has() -> None:
    """Closing loses nothing that was accepted, and lets a waiting reader go."""
    inbox, _ = complete()
    for sequence in range(COMPLETE_CAPACITY):
        inbox.put(frame(sequence), 0.0)
    inbox.close()
    handed_out = []
    while await inbox.wait_for_frame():
        received = inbox.take(0.0)
        assert received is not None
        handed_out.append(received.frame.sequence)
    assert handed_out == list(range(COMPLETE_CAPACITY))
    empty, _ = complete()
    reader = Stepped(empty.wait_for_frame())
    assert reader.waits()
    empty.close()
    assert not reader.result()


async def test_unread_live_assessments_coalesce() -> None:
    """A client that reads slowly gets the newest assessment, with the drops of those it missed."""
    outbox = Outbox(Delivery.LIVE)
    notice = Notice(NoticeKind.DRAINING, "")
    outbox.put(assessment(2))
    outbox.put(notice)
    for _ in range(1000):
        outbox.put(assessment(1))
    outbox.close()
    assert await outbox.get() == notice
    assert await outbox.get() == assessment(1002)
    assert await outbox.get() is None


async def test_the_newest_checkpoint_goes_out_with_the_next_message() -> None:
    """Once, whichever message that is: one that coalesces takes none along."""
    outbox = Outbox(Delivery.LIVE)
    outbox.put(assessment(1), b"older")
    outbox.put(assessment(1), b"newest")
    outbox.put(assessment(1))
    assert await outbox.get() == assessment(3)
    assert outbox.take_checkpoint() == b"newest"
    assert outbox.take_checkpoint() == b""


async def test_a_client_that_never_reads_stops_complete_delivery() -> None:
    """Under COMPLETE delivery nothing is merged; the scorer waits until some messages are read."""
    outbox = Outbox(Delivery.COMPLETE)
    for _ in range(COMPLETE_CAPACITY):
        await outbox.wait_for_room()
        outbox.put(assessment())
    scorer = Stepped(outbox.wait_for_room())
    assert scorer.waits()
    await outbox.get()
    assert not scorer.waits()


@pytest.mark.parametrize("delivery", Delivery)
async def test_closing_wakes_whoever_waits(delivery: Delivery) -> None:
    """A reader that waits on an empty outbox gets the last message, then the end."""
    outbox = Outbox(delivery)
    reader = Stepped(outbox.get())
    assert reader.waits()
    summary = StreamSummary(None, None, {}, {})
    outbox.put(summary)
    outbox.close()
    assert reader.result() == summary
    assert await outbox.get() is None
