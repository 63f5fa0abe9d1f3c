"""A guard over messages that have not arrived whole: gRPC keeps their bytes, and says nothing of them.

gRPC takes in a message as it comes, up to the largest allowed, before anyone here learns of it. Where many
clients send large messages and none finishes, that is gigabytes. So when this process has grown by more than
it may, the guard asks the kernel how many bytes each connection has received (TCP_INFO), subtracts what was
handed on, and ends the calls of the connection that has most.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TypeVar

from facegauge_server.errors import ServerFull
from facegauge_server.safe_log import SafeLog

__all__ = ["ReceiveGuard", "received_bytes_by_peer", "resident_bytes"]

CHECK_INTERVAL_S, IN_VAIN_INTERVAL_S = 0.02, 0.5
MAX_PEERS = 4096
"""Connections, closed ones among them, that are remembered before the closed ones are forgotten."""
SUSPECT_BYTES = 2**20
"""What a connection may owe before it counts as one with an unfinished message."""
OVERHEAD = 0.05
"""Share of a connection's bytes that belongs to HTTP/2 and TLS, not to messages."""
TCP_INFO_BYTES_RECEIVED_AT = 128
"""Offset of `tcpi_bytes_received` in Linux's `struct tcp_info`."""

T = TypeVar("T")
_libc = ctypes.CDLL(None)


class ReceiveGuard:
    """Ends calls whose unfinished messages take too much memory. Belongs to one event loop."""

    def __init__(
        self,
        limit_bytes: int,
        memory: Callable[[], int] | None = None,
        received: Callable[[], dict[str, int]] | None = None,
    ) -> None:
        """Guard a process that has grown to what it takes without calls.

        Args:
            limit_bytes: how much more it may take.
            memory: bytes that the process takes now.
            received: bytes that each connection has received since it began, by gRPC's name for the peer.
        """
        self._memory = memory or resident_bytes
        self._received = received or received_bytes_by_peer
        self._allowed_bytes = self._memory() + limit_bytes
        self._handed_on: dict[str, int] = {}
        self._reading: dict[str, set[_Reading]] = {}
        self._log = SafeLog()

    async def watched(self, peer: str, receive: Awaitable[T]) -> T:
        """Receive a message of a peer; raises ServerFull where the guard ends the call meanwhile."""
        calls = self._reading.setdefault(peer, set())
        reading = _Reading()
        calls.add(reading)
        try:
            async with asyncio.timeout(None) as reading.timeout:
                return await receive
        except TimeoutError:
            if not reading.owed_bytes:
                raise
            raise ServerFull(
                f"unfinished messages on this connection take {reading.owed_bytes / 2**20:.0f} MiB of a "
                "server that has no more memory for them: send smaller ones, or fewer at a time"
            ) from None
        finally:
            calls.discard(reading)
            if not calls:
                self._reading.pop(peer, None)

    def hand_on(self, peer: str, size_bytes: int) -> None:
        """Note a message that has arrived whole."""
        self._handed_on[peer] = self._handed_on.get(peer, 0) + size_bytes
        if len(self._handed_on) > MAX_PEERS:
            self._forget_closed(self._received())

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            is_in_vain = self.check()
            await asyncio.sleep(IN_VAIN_INTERVAL_S if is_in_vain else CHECK_INTERVAL_S)

    def check(self) -> bool:
        """End the calls of the connections that owe most, as many as memory is short by.

        Returns whether memory is short although no connection owes anything: frames that are kept, or memory
        that was freed and not given back.
        """
        short_bytes = self._memory() - self._allowed_bytes
        if short_bytes <= 0:
            return False
        received = self._received()
        self._forget_closed(received)
        owed = {peer: self._owed_bytes(peer, received.get(peer, 0)) for peer in self._reading}
        suspects = sorted((peer for peer in owed if owed[peer] > SUSPECT_BYTES), key=owed.__getitem__)
        if not suspects:
            _libc.malloc_trim(0)
            return True
        while suspects and short_bytes > 0:
            peer = suspects.pop()
            short_bytes -= owed[peer]
            self._handed_on[peer] = received[peer]  # what has come is thrown away with the calls
            self._log.warning("unfinished messages end a connection's calls", peer=peer, bytes=owed[peer])
            for reading in tuple(self._reading[peer]):
                reading.end(owed[peer])
        return False

    def _forget_closed(self, received: dict[str, int]) -> None:
        self._handed_on = {peer: size for peer, size in self._handed_on.items() if peer in received}

    def _owed_bytes(self, peer: str, received_bytes: int) -> int:
        return received_bytes - self._handed_on.get(peer, 0) - int(OVERHEAD * received_bytes)


class _Reading:
    """A call that waits for its next message."""

    def __init__(self) -> None:
        self.timeout = asyncio.timeout(None)
        self.owed_bytes = 0

    def end(self, owed_bytes: int) -> None:
        self.owed_bytes = owed_bytes
        self.timeout.reschedule(0)


def resident_bytes() -> int:
    """Return the memory that this process takes, shared pages included."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - many times a second
        return int(file.read().split()[1]) * resource.getpagesize()


def received_bytes_by_peer() -> dict[str, int]:
    """Return how many bytes each TCP connection of this process has received, by gRPC's name for its peer."""
    found: dict[str, int] = {}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is wanted
        with contextlib.suppress(OSError), _socket_of(int(name)) as sock:
            if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
                continue
            host, port, *_ = sock.getpeername()
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES_RECEIVED_AT + 8)
            (size,) = struct.unpack_from("=Q", info, TCP_INFO_BYTES_RECEIVED_AT)
            found[_grpc_name(sock.family, host, port)] = size
    return found


def _socket_of(fd: int) -> socket.socket:
    """Open a descriptor once more, as gRPC may close it at any time; raises OSError where it is no socket."""
    copy = os.dup(fd)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _grpc_name(family: int, host: str, port: int) -> str:
    if family == socket.AF_INET:
        return f"ipv4:{host}:{port}"
    if host.startswith("::ffff:"):
        return f"ipv4:{host.removeprefix('::ffff:')}:{port}"
    return f"ipv6:%5B{host}%5D:{port}"
