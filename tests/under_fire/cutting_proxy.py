"""A TCP proxy that cuts connections, delays what goes through, or lets nothing through."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["CuttingProxy", "cutting_proxy"]

CHUNK_BYTES = 16 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends a reset, as when a machine in between has lost its memory."""


class CuttingProxy:
    """Passes bytes on to a target until told otherwise. Belongs to one event loop."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._host, self._port = host, int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.address = ""
        self.delay_s = 0.0
        """How long each piece waits before it is passed on."""

    @property
    def connections(self) -> int:
        """Connections that are open at present."""
        return len(self._writers) // 2

    def cut(self) -> int:
        """Reset all connections; return how many there were."""
        cut = self.connections
        for writer in tuple(self._writers):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()
        return cut

    def hold(self) -> None:
        """Let nothing through, as a network that has gone silent."""
        self._flows.clear()

    def release(self) -> None:
        """Let through what was held, and what comes."""
        self._flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, both ways, until either side ends it."""
        try:
            onward_reader, onward_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, onward_writer)
        self._writers.update(pair)
        ways = [
            asyncio.create_task(self._pass(reader, onward_writer)),
            asyncio.create_task(self._pass(onward_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in pair:
                one.transport.abort()
            self._writers.difference_update(pair)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flows.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def cutting_proxy(target: str) -> AsyncIterator[CuttingProxy]:
    """Run a proxy in front of a target on a free port of this machine."""
    proxy = CuttingProxy(target)
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
