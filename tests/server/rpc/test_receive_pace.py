"""A flood of messages takes half of the event loop at most; a call never waits for it."""

from __future__ import annotations

from functools import cache

import pytest

from facegauge_server.rpc.receive_pace import FLOOD_SHARE, Allowance, ReceivePace, loop_time_s

MIB = 2**20


class Clock:
    """Time passes where somebody waits, and nowhere else."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, delay_s: float) -> None:
        self.now_s += delay_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("facegauge_server.rpc.receive_pace.asyncio.sleep", clock.sleep)
    return clock


async def receive(allowance: Allowance, size_bytes: int) -> None:
    async def message() -> bytes:
        return message_of(size_bytes)

    await allowance.read(message)


@cache
def message_of(size_bytes: int) -> bytes:
    return bytes(size_bytes)


async def test_a_call_never_waits(clock: Clock) -> None:
    """Thirty frames a second of 200 kB, beside whatever floods there are."""
    pace = ReceivePace(clock)
    call = pace.allowance()
    for _ in range(3000):
        pace._next_s = clock.now_s + 3600  # floods have an hour to wait
        start_s = clock.now_s
        await receive(call, 200_000)
        assert clock.now_s == start_s
        clock.now_s += 1 / 30


@pytest.mark.parametrize("size_bytes", [100, 100_000, 3 * MIB, 16 * MIB])
@pytest.mark.parametrize("streams", [1, 5])
async def test_floods_share_half_of_the_loop(clock: Clock, size_bytes: int, streams: int) -> None:
    """Whatever the size of their messages, and however many they are."""
    pace = ReceivePace(clock)
    floods = [pace.allowance() for _ in range(streams)]
    for _ in range(1000):  # what they may take at once
        for flood in floods:
            await receive(flood, size_bytes)
    start_s, messages = clock.now_s, 0
    for _ in range(1000):
        for flood in floods:
            await receive(flood, size_bytes)
            messages += 1
    busy_s = messages * loop_time_s(size_bytes)
    assert busy_s / (clock.now_s - start_s) == pytest.approx(FLOOD_SHARE, rel=0.02)


async def test_a_stream_that_slows_down_is_a_call_again(clock: Clock) -> None:
    pace = ReceivePace(clock)
    stream = pace.allowance()
    for _ in range(1000):
        await receive(stream, MIB)
    clock.now_s += 1.0
    for _ in range(100):
        start_s = clock.now_s
        await receive(stream, 100_000)
        assert clock.now_s == start_s
        clock.now_s += 0.1
