"""A UDP path between the two peers of a WebRTC call, which loses packets of video that one of them sends.

SRTP encrypts payloads alone, so the path reads from a header what it decides by: the picture (its timestamp),
and by the payload type whether it is sent for the first time or again. ICE, DTLS and RTCP pass unharmed.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

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


class IcePath(asyncio.DatagramProtocol):
    """The publisher's side; `_Onward` is the gateway's."""

    def __init__(self, loss: PathLoss, first: Iterable[int], again: Iterable[int], seed: int) -> None:
        self._loss = loss
        self._first, self._again = frozenset(first), frozenset(again)
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._publisher: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._onward: asyncio.DatagramTransport | None = None
        self.pictures: dict[int, bool] = {}
        """By RTP timestamp, in the order of their first packets: whether a packet of it is lost for good."""
        self.dropped = 0

    @property
    def port(self) -> int:
        """Where the publisher sends to."""
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    async def open(self, gateway: tuple[str, int]) -> None:
        """Open a port, and a socket towards the gateway."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._onward, _ = await loop.create_datagram_endpoint(lambda: _Onward(self), remote_addr=gateway)

    def close(self) -> None:
        """Pass nothing more."""
        for transport in (self._transport, self._onward):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take a datagram of the publisher."""
        self._publisher = address
        if self._is_lost(data):
            self.dropped += 1
        elif self._onward is not None and not self._onward.is_closing():
            self._onward.sendto(data)

    def send_back(self, data: bytes) -> None:
        """Take a datagram of the gateway."""
        if self._transport is not None and self._publisher is not None and not self._transport.is_closing():
            self._transport.sendto(data, self._publisher)

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


class _Onward(asyncio.DatagramProtocol):
    """Takes what the gateway sends back."""

    def __init__(self, path: IcePath) -> None:
        self._path = path

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's
        self._path.send_back(data)

    def error_received(self, error: Exception) -> None:
        """Let a gateway be away, as UDP does."""


@asynccontextmanager
async def ice_path(
    gateway: tuple[str, int], loss: PathLoss, *, first: Iterable[int], again: Iterable[int], seed: int = 0
) -> AsyncIterator[IcePath]:
    """Open a path to a gateway; `first` and `again` are the payload types of video and of retransmissions."""
    path = IcePath(loss, first, again, seed)
    await path.open(gateway)
    try:
        yield path
    finally:
        path.close()
        await asyncio.sleep(0)  # transports close in the loop's next turn
