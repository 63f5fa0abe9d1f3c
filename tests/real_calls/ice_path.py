"""A UDP path between the two peers of a WebRTC call, which loses packets of video that one of them sends.

SRTP encrypts payloads alone, so the path reads from a header what it decides by: the picture (its timestamp),
and by the payload type whether it is sent for the first time or again. ICE, DTLS and RTCP pass unharmed.
"""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.real_call.udp_relay import UdpRelay, relaying

__all__ = ["IcePath", "PathLoss", "ice_path"]

RTP_HEADER = struct.Struct("!BBHII")
RTP_FIRST_BYTES = range(128, 192)
"""RFC 7983, 7."""
RTCP_TYPES = range(192, 224)
"""RFC 5761, 4."""


@dataclass(frozen=True, slots=True)
class PathLoss:
    """Which packets do not arrive."""

    every: int
    """Of so many pictures, the last loses its first packet, and every retransmission of its packets."""
    share: float
    """Of all other packets that are sent for the first time: their retransmissions arrive."""


class IcePath(UdpRelay):
    """Passes on what a publisher and a gateway send each other, but for the packets that it loses."""

    def __init__(self, loss: PathLoss, first: Iterable[int], again: Iterable[int], seed: int) -> None:
        super().__init__()
        self._loss = loss
        self._first, self._again = frozenset(first), frozenset(again)
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self.pictures: dict[int, bool] = {}
        """By RTP timestamp, in the order of their first packets: whether a packet of it is lost for good."""
        self.dropped = 0

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take a datagram of the publisher."""
        self.sender = address
        if self._is_lost(data):
            self.dropped += 1
        else:
            self.send_on(data)

    def _is_lost(self, data: bytes) -> bool:
        if len(data) < RTP_HEADER.size or data[0] not in RTP_FIRST_BYTES or data[1] in RTCP_TYPES:
            return False
        _, second, _, timestamp, _ = RTP_HEADER.unpack_from(data)
        kind = second & 0x7F
        if kind in self._again:
            return self.pictures.get(timestamp, False)
        if kind not in self._first:
            return False
        if timestamp not in self.pictures:
            is_lost = len(self.pictures) % self._loss.every == self._loss.every - 1
            self.pictures[timestamp] = is_lost
            if is_lost:
                return True
        return self._random.random() < self._loss.share


@asynccontextmanager
async def ice_path(
    gateway: tuple[str, int], loss: PathLoss, *, first: Iterable[int], again: Iterable[int], seed: int = 0
) -> AsyncIterator[IcePath]:
    """Open a path to a gateway; `first` and `again` are the payload types of video and of retransmissions."""
    async with relaying(IcePath(loss, first, again, seed), gateway) as path:
        yield path
