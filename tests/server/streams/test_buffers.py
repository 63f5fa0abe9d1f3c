"""Frames and messages wait in bounded places: LIVE replaces what is old, COMPLETE makes others wait."""

import asyncio

import pytest

from facegauge_server.streams.buffers import COMPLETE_CAPACITY, Inbox, Outbox
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


def frame(sequence: int) -> EncodedFrame:
    return EncodedFrame(sequence, float(sequence), Encoding.JPEG, b"")


def assessment(frames_dropped: int = 0) -> Assessment:
    return Assessment(None, StreamQuality(StreamState.SCORED), frames_dropped)


async def test_the_newest_live_frame_wins() -> None:
    """Under LIVE delivery older frames give way, and each is counted."""
    inbox = Inbox(Delivery.LIVE)
    dropped = [await inbox.put(frame(sequence), 0.0) for sequence in range(5)]
    assert dropped == [0, 1, 1, 1, 1]
    received = await inbox.get()
    assert received is not None
    assert received[0].sequence == 4


async def test_complete_delivery_waits_for_room() -> None:
    """Under COMPLETE delivery every frame comes through, in order, and the sender waits."""
    inbox = Inbox(Delivery.COMPLETE)

    async def send() -> int:
        return sum([await inbox.put(frame(sequence), 0.0) for sequence in range(20)])

    sender = asyncio.create_task(send())
    await asyncio.sleep(0)
    assert not sender.done()
    sequences = [received[0].sequence for _ in range(20) if (received := await inbox.get())]
    assert sequences == list(range(20))
    assert await sender == 0


async def test_a_closed_inbox_hands_out_what_it_has() -> None:
    """Closing loses nothing that was accepted, refuses what comes later, and lets a waiting sender go."""
    inbox = Inbox(Delivery.COMPLETE)
    for sequence in range(COMPLETE_CAPACITY):
        await inbox.put(frame(sequence), 0.0)
    late = asyncio.create_task(inbox.put(frame(99), 0.0))
    await asyncio.sleep(0)
    await inbox.close()
    assert await late == 1
    received = [await inbox.get() for _ in range(COMPLETE_CAPACITY + 1)]
    assert [item[0].sequence for item in received if item] == list(range(COMPLETE_CAPACITY))
    assert received[-1] is None


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


async def test_a_client_that_never_reads_stops_complete_delivery() -> None:
    """Under COMPLETE delivery nothing is merged; the scorer waits until some messages are taken."""
    outbox = Outbox(Delivery.COMPLETE)
    for _ in range(COMPLETE_CAPACITY):
        await asyncio.wait_for(outbox.wait_for_room(), 20)
        outbox.put(assessment())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outbox.wait_for_room(), 0.01)
    await outbox.get()
    await asyncio.wait_for(outbox.wait_for_room(), 20)


async def test_closing_wakes_whoever_waits() -> None:
    """A reader that waits on an empty outbox is let go when it closes."""
    outbox = Outbox(Delivery.LIVE)
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    summary = StreamSummary(None, None, {}, {})
    outbox.put(summary)
    outbox.close()
    assert await reader == summary
    assert await outbox.get() is None
