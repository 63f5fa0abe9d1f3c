"""One UDP socket, read in batches: one wake-up of the event loop takes what has come, up to a bound."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import TypeAlias

from facegauge_gateway.address import Address
from facegauge_gateway.errors import BadConfiguration

__all__ = ["RECEIVE_BUFFER_BYTES", "Endpoint", "UdpPort", "address_of"]

Endpoint: TypeAlias = tuple[str, int]
"""Host and port of whoever sent a datagram."""

MAX_BATCH = 64
"""Datagrams of one wake-up, so that other sockets get their turn."""
MAX_DATAGRAM_BYTES = 65_535
RECEIVE_BUFFER_BYTES = 4 * 2**20
"""Asked of the kernel, which may grant less (net.core.rmem_max)."""
SO_MEMINFO = 55
"""Linux's socket(7): counts of a socket's memory, which Python's `socket` has no name for."""
MEMINFO = struct.Struct("=9I")
DROPS_AT = 8
"""SK_MEMINFO_DROPS of linux/sock_diag.h."""


class UdpPort:
    """Gives every datagram with its source and the time of the batch to `take`."""

    def __init__(self, address: Address, take: Callable[[bytes, Endpoint, float], None]) -> None:
        """Bind; raises BadConfiguration where the address cannot be had."""
        self._take = take
        self._loop = asyncio.get_running_loop()
        try:
            family, kind, _, _, place = socket.getaddrinfo(
                address.host, address.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
            )[0]
            self._socket = socket.socket(family, kind)
        except OSError as error:
            raise _cannot_listen(address, error) from error
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            self._socket.setblocking(False)
            self._socket.bind(place)
        except OSError as error:
            self._socket.close()
            raise _cannot_listen(address, error) from error
        granted = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.receive_buffer_bytes = granted // 2 if sys.platform == "linux" else granted
        """What the kernel has granted; Linux tells twice as much (socket(7))."""
        self.address = address.with_port(self._socket.getsockname()[1])
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, data: bytes, destination: Endpoint) -> None:
        """Send a datagram at once; one that cannot be sent is lost, as others are on the way."""
        try:
            self._socket.sendto(data, destination)
        except OSError:
            return

    def dropped_by_kernel(self) -> int:
        """Return how many datagrams found the socket's buffer full; always 0 but on Linux."""
        try:
            counts = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
            return int(MEMINFO.unpack(counts)[DROPS_AT])
        except (OSError, struct.error):
            return 0

    def close(self) -> None:
        """Stop reading."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        now_s = self._loop.time()
        receive, take = self._socket.recvfrom, self._take
        for _ in range(MAX_BATCH):
            try:
                data, source = receive(MAX_DATAGRAM_BYTES)
            except OSError:  # nothing left, or an earlier send could not be delivered
                return
            take(data, source[:2], now_s)


def address_of(endpoint: Endpoint) -> str:
    """Write an endpoint for people."""
    return str(Address(*endpoint))


def _cannot_listen(address: Address, error: OSError) -> BadConfiguration:
    return BadConfiguration(f"cannot listen on {address} ({error.strerror}): choose another --listen")
