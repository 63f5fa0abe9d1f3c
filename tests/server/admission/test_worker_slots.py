"""The wait for a worker says when the server is full; it is forgotten when nobody waits any more."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from facegauge_server.admission.fair_queue import Flow
from facegauge_server.admission.worker_slots import WaitEstimate, WorkerSlots
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import ServerFull
from facegauge_server.streams.buffers import create_inbox
from facegauge_server.streams.frame_gate import LeftOut
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.types import Delivery, EncodedFrame, Encoding
from tests.server.stepping import Stepped

STREAM = Flow("", "stream")


def waiting(wait_s: float, *, until_s: float) -> WaitEstimate:
    """A server on which every frame, a hundred a second, has waited so long."""
    wait = WaitEstimate()
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
    wait = WaitEstimate()
    assert wait.mean_s(3.0) == 0
    wait.observe(0.2, 3.0)
    assert wait.mean_s(3.0) == pytest.approx(0.2)


async def test_a_busy_server_takes_no_new_live_stream() -> None:
    """It says how long frames wait and which flag moves the bound; recorded ones may come, and all later."""
    table = SessionTable(Config(), wait=waiting(0.4, until_s=10))
    with pytest.raises(ServerFull, match=r"39\d ms for a worker \(--max-worker-wait\)"):
        table.open(StreamSettings(stream_id="live"), now_s=10.0)
    table.open(StreamSettings(stream_id="recorded", delivery=Delivery.COMPLETE), now_s=10.0)
    table.open(StreamSettings(stream_id="live"), now_s=20.0)


async def test_a_stream_that_is_there_may_come_back() -> None:
    """A broken connection is taken up whatever the load: its share was counted already."""
    wait = WaitEstimate()
    table = SessionTable(Config(), wait=wait)
    opened = table.open(StreamSettings(stream_id="live"), now_s=0.0)
    for number in range(1000):
        wait.observe(0.4, number / 100)
    token = opened.session.token
    assert table.open(StreamSettings(stream_id="live", resume_token=token), now_s=10.0).resumed


async def test_slots_are_given_in_the_order_asked_for() -> None:
    """With every slot taken, whoever asked first is next, and each wait is observed on the given clock."""
    now_s = [0.0]
    waits_s: list[float] = []
    slots = WorkerSlots(1, waits_s.append, lambda: now_s[0])
    taken = [slots.slot(Flow("", f"{number}")) for number in range(5)]
    entering = [Stepped(slot.__aenter__()) for slot in taken]
    assert [one.waits() for one in entering] == [False, False, True, True, True]
    for number in range(2, 5):
        now_s[0] += 0.5
        await taken[number - 2].__aexit__(None, None, None)
        assert [one.waits() for one in entering] == [False] * (number + 1) + [True] * (4 - number)
    assert waits_s == [0.0, 0.0, 0.5, 1.0, 1.5]
    assert slots.wait.mean_s(now_s[0]) > 0
    for slot in taken[3:]:
        await slot.__aexit__(None, None, None)


async def test_a_slot_is_given_back_whatever_happens() -> None:
    """An error in the block frees its slot."""
    slots = WorkerSlots(1)
    for _ in range(10):
        with pytest.raises(ValueError, match="broken"):
            async with slots.slot(STREAM):
                raise ValueError("broken")


async def test_a_frame_is_picked_when_its_slot_is_free() -> None:
    """On a busy server a live stream's newer frame takes the place of the one that would have waited."""
    slots = WorkerSlots(1)
    inbox = create_inbox(Delivery.LIVE, max_fps=0, min_fps=0)
    first, second = (EncodedFrame(n, float(n), Encoding.JPEG, b"") for n in range(2))

    async def pick() -> int:
        assert await inbox.wait_for_frame()
        async with slots.slot(STREAM):
            received = inbox.take(1.0)
            assert received is not None
            return received.frame.sequence

    async with AsyncExitStack() as busy:
        for name in ("a", "b"):
            await busy.enter_async_context(slots.slot(Flow("", name)))
        inbox.put(first, 0.0)
        picking = Stepped(pick())
        assert picking.waits()
        assert inbox.put(second, 0.5) is LeftOut.OVERLOAD
    assert picking.result() == 1
