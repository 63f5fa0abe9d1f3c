"""Messages that never arrive whole take a bounded amount of memory, and those who send them pay."""

from __future__ import annotations

import asyncio
import socket

import pytest

from facegauge_server.errors import ServerFull
from facegauge_server.rpc.receive_guard import ReceiveGuard, received_bytes_by_peer, resident_bytes

MIB = 2**20


class Machine:
    """What the kernel says, as a test sets it."""

    def __init__(self) -> None:
        self.memory_bytes = 100 * MIB
        self.received = {"ipv4:10.0.0.1:1": 0, "ipv4:10.0.0.2:2": 0}

    def guard(self) -> ReceiveGuard:
        return ReceiveGuard(50 * MIB, lambda: self.memory_bytes, lambda: self.received)


async def never() -> bytes:
    await asyncio.Event().wait()
    return b""


async def begin(guard: ReceiveGuard, *peers: str) -> list[asyncio.Task[bytes]]:
    """Let calls wait for messages that do not come."""
    calls = [asyncio.create_task(guard.watched(peer, never())) for peer in peers]
    await asyncio.sleep(0)
    return calls


async def test_the_connection_that_owes_most_loses_its_calls() -> None:
    """Its callers learn why; nobody else notices."""
    machine = Machine()
    guard = machine.guard()
    one, two = machine.received
    calls = await begin(guard, one, two, two)
    machine.memory_bytes = 151 * MIB
    machine.received = {one: 40 * MIB, two: 30 * MIB}
    guard.hand_on(one, 39 * MIB)
    assert not guard.check()
    ended = await asyncio.gather(*calls[1:], return_exceptions=True)
    assert all(isinstance(error, ServerFull) and "28 MiB" in str(error) for error in ended)
    assert not calls[0].done()
    calls[0].cancel()


async def test_as_many_lose_their_calls_as_memory_is_short_by() -> None:
    """And what was thrown away with them counts no more."""
    machine = Machine()
    guard = machine.guard()
    machine.received = {f"peer-{n}": (10 + n) * MIB for n in range(4)}
    calls = await begin(guard, *machine.received)
    machine.memory_bytes = (150 + 20) * MIB
    guard.check()
    await asyncio.wait(calls[2:])
    assert [call.done() for call in calls] == [False, False, True, True]
    calls += await begin(guard, "peer-3")
    guard.check()
    await asyncio.wait(calls[:2])
    assert not calls[-1].done()
    calls[-1].cancel()


async def test_nobody_is_ended_while_there_is_memory() -> None:
    machine = Machine()
    guard = machine.guard()
    one, _ = machine.received
    machine.memory_bytes = 150 * MIB
    machine.received[one] = 1000 * MIB
    calls = await begin(guard, one)
    guard.check()
    await asyncio.sleep(0)
    assert not calls[0].done()
    calls[0].cancel()


async def test_nobody_is_ended_who_owes_nothing() -> None:
    """Memory may be short for other reasons; what HTTP/2 adds to messages is no debt."""
    machine = Machine()
    guard = machine.guard()
    one, _ = machine.received
    calls = await begin(guard, one)
    machine.memory_bytes = 1000 * MIB
    machine.received[one] = 1030 * MIB
    guard.hand_on(one, 1000 * MIB)
    assert guard.check()
    await asyncio.sleep(0)
    assert not calls[0].done()
    calls[0].cancel()


async def test_a_timeout_of_the_callers_own_stays_one() -> None:
    guard = Machine().guard()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await guard.watched("peer", never())


def test_the_kernel_counts_what_a_connection_has_received() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            ours, (host, port) = server.accept()
            with ours:
                client.sendall(bytes(100_000))
                left = 100_000
                while left:
                    left -= len(ours.recv(left))
                assert received_bytes_by_peer()[f"ipv4:{host}:{port}"] == 100_000


def test_the_memory_of_this_process_grows_with_what_it_keeps() -> None:
    before = resident_bytes()
    kept = b"x" * (64 * MIB)
    assert resident_bytes() - before > 32 * MIB
    del kept
