"""First messages: waited for within bounds, and refused ones are not kept."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from facegauge_server.errors import InvalidConfig, ServerFull, StreamIdle
from facegauge_server.rpc.first_message import MAX_CONFIG_BYTES, REFUSAL_INTERVAL_S, FirstMessages


class Message(bytes):
    """Bytes that tell when nobody keeps them any more."""

    freed = 0

    def __del__(self) -> None:
        Message.freed += 1


class Requests:
    """A call that sends one message, and keeps none."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return Message(self._size_bytes)


class Silent(Requests):
    """A call that never sends its first message."""

    async def __anext__(self) -> bytes:
        await asyncio.Event().wait()
        return b""


async def test_a_refused_message_is_freed_before_its_sender_waits() -> None:
    """However many senders wait for their turn, the server keeps none of what it refuses."""
    kept_while_waiting: list[int] = []

    async def wait_for_turn(size_bytes: int) -> None:
        assert size_bytes == MAX_CONFIG_BYTES + 1
        kept_while_waiting.append(1 - Message.freed)

    Message.freed = 0
    first = FirstMessages(60, wait_for_turn)
    with pytest.raises(InvalidConfig, match=f"{MAX_CONFIG_BYTES + 1} bytes"):
        await first.read_config(Requests(MAX_CONFIG_BYTES + 1), "peer")
    assert kept_while_waiting == [0]


async def test_a_configuration_does_not_wait() -> None:
    async def wait_for_turn(_: int) -> None:
        raise AssertionError("small messages are read at once")

    first = FirstMessages(60, wait_for_turn)
    assert len(await first.read_config(Requests(MAX_CONFIG_BYTES), "peer") or b"") == MAX_CONFIG_BYTES


async def test_a_large_picture_waits_for_its_turn() -> None:
    """The first message of AssessImage may be large: it is returned, after the wait."""
    waited: list[int] = []

    async def wait_for_turn(size_bytes: int) -> None:
        waited.append(size_bytes)

    data = await FirstMessages(60, wait_for_turn).read(Requests(MAX_CONFIG_BYTES + 1), "peer")
    assert data is not None
    assert waited == [len(data)]


async def test_silent_calls_make_room_for_newcomers() -> None:
    """The oldest call of the connection that has most is refused; a lone silent one ends by its timeout."""

    async def wait_for_turn(_: int) -> None: ...

    first = FirstMessages(60, wait_for_turn, max_waiting=2)
    crowd = [asyncio.create_task(first.read(Silent(0), "crowd")) for _ in range(2)]
    await asyncio.sleep(0)
    newcomer = asyncio.create_task(first.read(Silent(0), "newcomer"))
    done, _ = await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
    assert done == {crowd[0]}
    assert isinstance(crowd[0].exception(), ServerFull)
    for task in (crowd[1], newcomer):
        task.cancel()
    with pytest.raises(StreamIdle):
        await FirstMessages(0, wait_for_turn).read(Silent(0), "peer")


async def test_refusals_are_spaced() -> None:
    """A crowd is refused one call at a time, so that frames get their share of the loop."""

    async def wait_for_turn(_: int) -> None: ...

    loop = asyncio.get_running_loop()
    refused_s: list[float] = []
    first = FirstMessages(60, wait_for_turn, max_waiting=2)
    crowd = [asyncio.create_task(first.read(Silent(0), "crowd")) for _ in range(6)]
    for task in crowd:
        task.add_done_callback(lambda _: refused_s.append(loop.time()))
    async with asyncio.timeout(30):
        await asyncio.wait(crowd[:4])
    waits_s = [later - earlier for earlier, later in itertools.pairwise(refused_s)]
    assert min(waits_s) > REFUSAL_INTERVAL_S / 2
    assert not any(task.done() for task in crowd[4:])
    for task in crowd[4:]:
        task.cancel()


async def test_a_flood_without_measure_is_refused_at_once() -> None:
    """However fast calls come, no more than the backlog wait."""

    async def wait_for_turn(_: int) -> None: ...

    first = FirstMessages(60, wait_for_turn, max_waiting=1, max_backlog=3)
    flood = [asyncio.create_task(first.read(Silent(0), f"peer {n % 2}")) for n in range(20)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert sum(not task.done() for task in flood) <= 3
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
