"""Frames that the server keeps have a bounded size together; large ones wait, small ones never do."""

from __future__ import annotations

import asyncio
import gc

import pytest

from facegauge_server.rpc.message_memory import SMALL_BYTES, MessageMemory, Reader
from facegauge_server.types import EncodedFrame, Encoding

MIB = 2**20


def frame(size_bytes: int) -> EncodedFrame:
    return EncodedFrame(0, 0.0, Encoding.JPEG, bytes(size_bytes))


async def turn_loop() -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(5):
        await asyncio.sleep(0)


class Sender:
    """A stream that sends messages of given sizes, and notes how many were asked for."""

    def __init__(self, *sizes_bytes: int) -> None:
        self._sizes_bytes = list(sizes_bytes)
        self.asked = 0

    async def receive(self) -> bytes:
        self.asked += 1
        return bytes(self._sizes_bytes.pop(0))


async def test_frames_count_until_nothing_refers_to_them() -> None:
    memory = MessageMemory(64 * MIB)
    one, other = frame(3 * MIB), frame(4 * MIB)
    memory.keep(one, len(one.data))
    memory.keep(other, len(other.data))
    assert memory.used_bytes == 7 * MIB
    del one
    assert memory.used_bytes == 4 * MIB
    del other
    assert memory.used_bytes == 0


async def test_a_frame_that_another_thread_drops_is_counted_down() -> None:
    memory = MessageMemory(64 * MIB)
    holder = [frame(3 * MIB)]
    memory.keep(holder[0], 3 * MIB)
    await asyncio.to_thread(holder.clear)
    gc.collect()
    async with asyncio.timeout(10):
        while memory.used_bytes:
            await asyncio.sleep(0)


async def test_a_large_message_waits_for_room() -> None:
    """Until the frames in memory are gone; the sender keeps it meanwhile."""
    memory = MessageMemory(10 * MIB)
    reader, sender = memory.reader(), Sender(3 * MIB, 3 * MIB)
    await reader.read(sender.receive)
    kept = frame(8 * MIB)
    memory.keep(kept, 8 * MIB)
    reading = asyncio.create_task(reader.read(sender.receive))
    await turn_loop()
    assert sender.asked == 1
    del kept
    assert len(await reading) == 3 * MIB
    assert memory.used_bytes == 0


async def test_small_messages_never_wait() -> None:
    memory = MessageMemory(MIB)
    kept = frame(8 * MIB)
    memory.keep(kept, 8 * MIB)
    reader, sender = memory.reader(), Sender(*([SMALL_BYTES] * 3))
    for _ in range(3):
        assert len(await reader.read(sender.receive)) == SMALL_BYTES


async def test_a_message_larger_than_all_room_is_read_alone() -> None:
    memory = MessageMemory(2 * MIB)
    reader, sender = memory.reader(), Sender(3 * MIB, 3 * MIB)
    for _ in range(2):
        assert len(await reader.read(sender.receive)) == 3 * MIB


async def test_room_is_handed_out_in_the_order_of_asking() -> None:
    memory = MessageMemory(4 * MIB)
    await memory.reserve(4 * MIB)
    order: list[str] = []

    async def ask(name: str, size_bytes: int) -> None:
        await memory.reserve(size_bytes)
        order.append(name)

    waiting = [asyncio.create_task(ask("large", 4 * MIB)), asyncio.create_task(ask("less", MIB))]
    await turn_loop()
    memory.release(4 * MIB)
    await turn_loop()
    assert order == ["large"]
    memory.release(4 * MIB)
    await asyncio.gather(*waiting)
    assert order == ["large", "less"]


async def test_whoever_is_cancelled_leaves_no_room_taken() -> None:
    memory = MessageMemory(4 * MIB)
    await memory.reserve(4 * MIB)
    waiting = [asyncio.create_task(memory.reserve(4 * MIB)) for _ in range(2)]
    await turn_loop()
    waiting[0].cancel()
    memory.release(4 * MIB)
    await asyncio.gather(*waiting, return_exceptions=True)
    memory.release(4 * MIB)
    assert memory.used_bytes == 0


async def test_room_for_a_message_that_does_not_come_is_lent_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("facegauge_server.rpc.message_memory.RESERVED_S", 0.0)
    memory = MessageMemory(4 * MIB)
    silent, idle = memory.reader(), asyncio.Event()
    await silent.read(Sender(3 * MIB).receive)

    async def never() -> bytes:
        await idle.wait()
        return b""

    waiting = asyncio.create_task(silent.read(never))
    async with asyncio.timeout(10):
        await memory.reserve(4 * MIB)
    memory.release(4 * MIB)
    idle.set()
    await waiting
    assert memory.used_bytes == 0


async def test_a_stream_that_sends_less_is_believed_after_some_messages() -> None:
    memory = MessageMemory(4 * MIB)
    reader: Reader = memory.reader()
    await reader.read(Sender(3 * MIB).receive)
    for _ in range(8):
        await reader.read(Sender(100).receive)
    kept = frame(4 * MIB)
    memory.keep(kept, 4 * MIB)
    assert len(await reader.read(Sender(100).receive)) == 100
