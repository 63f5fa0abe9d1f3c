"""A UDP path that loses, reorders and delays what goes one way, and keeps a record of it.

A media server sends its RTP to the path's port, from where it goes on to the receiver. What the receiver
sends back goes, unharmed, to where the media server reads RTCP: the socket from which Janus has sent its
empty packets.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

__all__ = ["PERFECT", "Impairment", "LossyPath", "Passed", "lossy_path"]

RECEIVE_BUFFER_BYTES = 2**21
"""Asked of the system, so that a busy machine loses nothing that is not in the record."""
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


class LossyPath(asyncio.DatagramProtocol):
    """The media server's side; `_Onward` is the receiver's."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self._impairment = impairment
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._still_to_lose = 0
        self._held: list[tuple[int, bytes]] = []
        self._rtcp_address: tuple[str, int] | None = None
        self._onward: asyncio.DatagramTransport | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.record: list[Passed] = []
        """Every packet of RTP, in the order of the media server."""
        self.plis = 0
        """Picture loss indications that the receiver has sent back."""

    @property
    def port(self) -> int:
        """Where the media server sends to."""
        assert self._transport is not None  # noqa: S101 - narrows: a path is made open
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    async def open(self, receiver: tuple[str, int]) -> None:
        """Open a port, and a socket towards the receiver."""
        loop = asyncio.get_running_loop()
        inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        inner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        inner.bind(("127.0.0.1", 0))
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=inner)
        self._onward, _ = await loop.create_datagram_endpoint(lambda: _Onward(self), remote_addr=receiver)

    def close(self) -> None:
        """Pass nothing more."""
        for transport in (self._transport, self._onward):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take a packet from the media server."""
        if len(data) <= HEADER_BYTES:  # an empty packet, or RTCP as short: never a picture
            self._rtcp_address = address
            self._send(data)
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
                asyncio.get_running_loop().call_later(delay_s, self._send, data)
            else:
                self._send(data)
        due = [held for after, held in self._held if after == 1]
        self._held = [(after - 1, held) for after, held in self._held if after > 1]
        for held in due:
            self._send(held)

    def _send(self, data: bytes) -> None:
        if self._onward is not None and not self._onward.is_closing():
            self._onward.sendto(data)

    def send_back(self, data: bytes) -> None:
        """Take a packet from the receiver."""
        self.plis += count_plis(data)
        if self._transport is not None and self._rtcp_address is not None:
            self._transport.sendto(data, self._rtcp_address)


class _Onward(asyncio.DatagramProtocol):
    """Takes what the receiver sends back."""

    def __init__(self, path: LossyPath) -> None:
        self._path = path

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's
        """Pass it back."""
        self._path.send_back(data)

    def error_received(self, error: Exception) -> None:
        """Let a receiver be away, as UDP does."""


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
    path = LossyPath(impairment, seed)
    await path.open(receiver)
    try:
        yield path
    finally:
        path.close()
        await asyncio.sleep(0)  # transports close in the loop's next turn
