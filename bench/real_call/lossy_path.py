"""A UDP path that loses, reorders and delays what goes one way, and keeps a record of it.

A media server sends its RTP to the path's port, from where it goes on to the receiver. What the receiver
sends back goes, unharmed, to where the media server reads RTCP: the socket from which Janus has sent its
empty packets.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.real_call.udp_relay import UdpRelay, relaying

__all__ = ["PERFECT", "Impairment", "LossyPath", "Passed", "lossy_path"]

HEADER_BYTES = 12
PLI = (206, 1)
"""Payload type and format of a picture loss indication (RFC 4585)."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """What happens to packets on their way."""

    loss: float = 0.0
    """Share of the packets that begin a loss."""
    burst: int = 1
    """Packets lost at once."""
    reordered: float = 0.0
    """Share of the packets that are overtaken by the next one to three."""
    duplicated: float = 0.0
    jitter_s: float = 0.0
    """Most that a packet is delayed by; each is delayed on its own."""


PERFECT = Impairment()


@dataclass(frozen=True, slots=True)
class Passed:
    """A packet that came to the path."""

    time_s: float
    data: bytes
    arrived: bool
    """Whether it was sent on."""


class LossyPath(UdpRelay):
    """Passes on the packets of a media server, but for those that it loses."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        super().__init__()
        self._impairment = impairment
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._still_to_lose = 0
        self._held: list[tuple[int, bytes]] = []
        self.record: list[Passed] = []
        """Every packet of RTP, in the order of the media server."""
        self.plis = 0
        """Picture loss indications that the receiver has sent back."""

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take a packet from the media server."""
        if len(data) <= HEADER_BYTES:  # an empty packet, or RTCP as short: never a picture
            self.sender = address
            self.send_on(data)
            return
        arrives = not self._is_lost()
        self.record.append(Passed(time.monotonic(), data, arrives))
        if arrives:
            self._pass(data)

    def _is_lost(self) -> bool:
        if self._still_to_lose:
            self._still_to_lose -= 1
            return True
        if self._random.random() < self._impairment.loss:
            self._still_to_lose = self._impairment.burst - 1
            return True
        return False

    def _pass(self, data: bytes) -> None:
        impairment = self._impairment
        if impairment.reordered and self._random.random() < impairment.reordered:
            self._held.append((self._random.randint(1, 3), data))
            return
        copies = 2 if self._random.random() < impairment.duplicated else 1
        for _ in range(copies):
            if impairment.jitter_s:
                delay_s = self._random.uniform(0, impairment.jitter_s)
                asyncio.get_running_loop().call_later(delay_s, self.send_on, data)
            else:
                self.send_on(data)
        due = [held for after, held in self._held if after == 1]
        self._held = [(after - 1, held) for after, held in self._held if after > 1]
        for held in due:
            self.send_on(held)

    def send_back(self, data: bytes) -> None:
        """Take a packet from the receiver."""
        self.plis += count_plis(data)
        super().send_back(data)


def count_plis(compound: bytes) -> int:
    """Return how many picture loss indications an RTCP packet holds."""
    found, at = 0, 0
    while at + 4 <= len(compound):
        found += (compound[at + 1], compound[at] & 31) == PLI
        at += 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
    return found


@asynccontextmanager
async def lossy_path(
    receiver: tuple[str, int], impairment: Impairment = PERFECT, *, seed: int = 0
) -> AsyncIterator[LossyPath]:
    """Open a path to a receiver's port for RTP; what it loses depends on the seed and the packets' order."""
    async with relaying(LossyPath(impairment, seed), receiver) as path:
        yield path
