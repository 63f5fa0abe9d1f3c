"""Two sockets between a sender and a receiver of datagrams; whoever derives decides what goes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

__all__ = ["UdpRelay", "relaying"]

RECEIVE_BUFFER_BYTES = 2**21
"""Asked of the system, so that a busy machine loses nothing that the relay has not decided on."""

R = TypeVar("R", bound="UdpRelay")


class UdpRelay(asyncio.DatagramProtocol):
    """The sender's side; `_Onward` is the receiver's."""

    def __init__(self) -> None:
        self.sender: tuple[str, int] | None = None
        """Where goes what the receiver sends back; nowhere until it is known."""
        self._transport: asyncio.DatagramTransport | None = None
        self._onward: asyncio.DatagramTransport | None = None

    @property
    def port(self) -> int:
        """Where the sender sends to."""
        assert self._transport is not None  # noqa: S101 - narrows: a relay is made open
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

    def send_on(self, data: bytes) -> None:
        """Pass a datagram to the receiver."""
        if self._onward is not None and not self._onward.is_closing():
            self._onward.sendto(data)

    def send_back(self, data: bytes) -> None:
        """Pass a datagram of the receiver to the sender."""
        if self._transport is not None and self.sender is not None and not self._transport.is_closing():
            self._transport.sendto(data, self.sender)


class _Onward(asyncio.DatagramProtocol):
    """Takes what the receiver sends back."""

    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's
        """Pass it back."""
        self._relay.send_back(data)

    def error_received(self, error: Exception) -> None:
        """Let a receiver be away, as UDP does."""


@asynccontextmanager
async def relaying(relay: R, receiver: tuple[str, int]) -> AsyncIterator[R]:
    """Keep a relay open towards a receiver."""
    await relay.open(receiver)
    try:
        yield relay
    finally:
        relay.close()
        await asyncio.sleep(0)  # transports close in the loop's next turn
