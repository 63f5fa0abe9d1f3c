"""The wait for a worker says when the server is full; it is forgotten when nobody waits any more."""

from __future__ import annotations

import asyncio

import pytest

from facegauge_server.admission import Turns, WorkerWait
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import ServerFull
from facegauge_server.streams.buffers import Inbox
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.types import Delivery, EncodedFrame, Encoding


def waiting(wait_s: float, *, until_s: float) -> WorkerWait:
    """A server on which every frame, a hundred a second, has waited so long."""
    wait = WorkerWait()
    for number in range(round(until_s * 100)):
        wait.observe(wait_s, number / 100)
    return wait


def test_the_mean_follows_the_waits() -> None:
    """One slow frame among many is little; ten seconds of slow ones are all there is."""
    wait = waiting(0.0, until_s=5)
    wait.observe(1.0, 5.0)
    assert wait.mean_s(5.0) < 0.01
    assert waiting(0.4, until_s=10).mean_s(10.0) == pytest.approx(0.4, rel=0.01)


def test_it_is_forgotten_without_frames() -> None:
    """A server whose streams have all gone is free again within seconds."""
    wait = waiting(0.4, until_s=10)
    assert wait.mean_s(20.0) < 0.01


def test_the_first_frame_counts_in_full() -> None:
    """Before it there was nothing to weigh it against."""
    wait = WorkerWait()
    assert wait.mean_s(3.0) == 0
    wait.observe(0.2, 3.0)
    assert wait.mean_s(3.0) == pytest.approx(0.2)


def test_a_busy_server_takes_no_new_live_stream() -> None:
    """It says how long frames wait and which flag moves the bound; recorded ones may come, and all later."""
    table = SessionTable(Config(), wait=waiting(0.4, until_s=10))
    with pytest.raises(ServerFull, match=r"39\d ms for a worker \(--max-worker-wait\)"):
        table.open(StreamSettings(stream_id="live"), now_s=10.0)
    table.open(StreamSettings(stream_id="recorded", delivery=Delivery.COMPLETE), now_s=10.0)
    table.open(StreamSettings(stream_id="live"), now_s=20.0)


def test_a_stream_that_is_there_may_come_back() -> None:
    """A broken connection is taken up whatever the load: its share was counted already."""
    wait = WorkerWait()
    table = SessionTable(Config(), wait=wait)
    opened = table.open(StreamSettings(stream_id="live"), now_s=0.0)
    for number in range(1000):
        wait.observe(0.4, number / 100)
    token = opened.session.token
    assert table.open(StreamSettings(stream_id="live", resume_token=token), now_s=10.0).resumed


async def test_turns_are_given_in_the_order_asked_for() -> None:
    """With every place taken, whoever asked first is next, and each wait is told."""
    waits: list[float] = []
    turns = Turns(1, waits.append)
    order: list[str] = []
    free = asyncio.Event()

    async def take(name: str) -> None:
        async with turns.turn():
            order.append(name)
            await free.wait()

    async with asyncio.TaskGroup() as tasks:
        for name in "abcde":
            tasks.create_task(take(name))
        await asyncio.sleep(0)
        assert order == ["a", "b"]
        free.set()
    assert order == list("abcde")
    assert len(waits) == 5


async def test_a_frame_is_picked_when_its_turn_comes() -> None:
    """On a busy server a live stream's newer frame takes the place of the one that would have waited."""
    turns = Turns(1)
    inbox = Inbox(Delivery.LIVE)
    first, second = (EncodedFrame(n, float(n), Encoding.JPEG, b"") for n in range(2))
    picked: list[int] = []

    async def stream() -> None:
        assert await inbox.has_frame()
        async with turns.turn():
            received = await inbox.get()
            assert received is not None
            picked.append(received[0].sequence)

    async with turns.turn(), turns.turn():
        await inbox.put(first, 0.0)
        task = asyncio.create_task(stream())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert await inbox.put(second, 0.5) == 1
    await task
    assert picked == [1]
