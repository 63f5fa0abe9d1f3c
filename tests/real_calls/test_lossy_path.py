"""The lossy path does what its impairment says, and its record knows what."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from bench.real_call.lossy_path import PERFECT, Impairment, count_plis, lossy_path

PLI = bytes.fromhex("81c90007") + bytes(28) + bytes.fromhex("81ce0002") + bytes(8)
"""A receiver report, and a picture loss indication behind it."""
PACKETS = 400


class Ends(asyncio.DatagramProtocol):
    """A media server or a receiver."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.came_from: tuple[str, int] | None = None

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.got.append(data)
        self.came_from = address


async def sent_through(impairment: Impairment) -> tuple[list[int], list[int]]:
    """Send numbered packets; return the numbers that arrive, and those that arrive by the record."""
    loop = asyncio.get_running_loop()
    receiving, receiver = await loop.create_datagram_endpoint(Ends, local_addr=("127.0.0.1", 0))
    async with lossy_path(receiving.get_extra_info("sockname"), impairment, seed=3) as path:
        sending, server = await loop.create_datagram_endpoint(Ends, remote_addr=("127.0.0.1", path.port))
        sending.sendto(bytes(12))
        for number in range(PACKETS):
            sending.sendto(number.to_bytes(20))
            if number % 20 == 19:  # the buffers of sockets are finite
                await arrived(lambda: len(path.record) > number)  # noqa: B023 - awaited here
        kept = [int.from_bytes(passed.data) for passed in path.record if passed.arrived]
        held = 3 if impairment.reordered else 0  # the last ones may have nobody to overtake them
        await arrived(lambda: len(receiver.got) - 1 >= len(kept) - held)

        assert receiver.came_from is not None
        receiving.sendto(PLI, receiver.came_from)
        await arrived(lambda: server.got == [PLI])
        assert path.plis == 1
        for transport in (sending, receiving):
            transport.close()
    return [int.from_bytes(data) for data in receiver.got if len(data) == 20], kept


async def arrived(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_perfect_path_changes_nothing_and_brings_rtcp_back() -> None:
    """All packets arrive in their order; what the receiver sends comes to where the empty ones came from."""
    got, kept = await sent_through(PERFECT)
    assert got == kept == [*range(PACKETS)]


async def test_lost_packets_do_not_arrive_and_are_in_the_record() -> None:
    got, kept = await sent_through(Impairment(loss=0.1))
    assert got == kept
    assert 0.85 * PACKETS < len(kept) < 0.95 * PACKETS


async def test_bursts_lose_neighbours() -> None:
    """Where a burst begins, that many are lost one after another."""
    got, kept = await sent_through(Impairment(loss=0.02, burst=6))
    assert got == kept
    gaps = [b - a - 1 for a, b in itertools.pairwise(kept) if b - a > 1]
    assert gaps
    assert all(gap >= 6 for gap in gaps)


@pytest.mark.parametrize("impairment", [Impairment(reordered=0.2), Impairment(jitter_s=0.05)])
async def test_reordering_and_jitter_lose_nothing(impairment: Impairment) -> None:
    got, kept = await sent_through(impairment)
    assert len(kept) == PACKETS
    assert got != sorted(got)
    assert len(got) == len(set(got)) >= PACKETS - 3


async def test_duplicates_arrive_twice() -> None:
    got, kept = await sent_through(Impairment(duplicated=0.2))
    assert sorted(set(got)) == kept
    assert len(got) > 1.1 * len(kept)


def test_plis_are_told_from_other_feedback() -> None:
    assert count_plis(PLI) == 1
    assert count_plis(PLI + PLI) == 2
    assert count_plis(PLI[:32]) == 0
    assert count_plis(b"") == count_plis(b"\x81") == 0
