"""How many bytes of frames the server keeps at once: what comes beyond waits with its sender.

A stream whose messages are large asks for room before it reads the next one, as much as its largest so far,
and keeps room for each of its frames until nothing refers to the frame any more. Small messages need no room:
as many streams as a server follows fit into memory with a small frame each.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from facegauge_server.rpc.lapse import held_at_most

__all__ = ["MessageMemory", "Reader"]

SMALL_BYTES = 2**20
"""Size up to which a message needs no room; a frame of 720p takes a tenth of this as JPEG."""
RESERVED_S = 1.0
"""How long room is kept for a message that does not come."""


class MessageMemory:
    """Room for a number of bytes, handed out in the order of asking. Belongs to one event loop."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._used_bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def used_bytes(self) -> int:
        """Bytes of frames that are kept, and of room for messages that are being read."""
        return self._used_bytes

    def reader(self) -> Reader:
        """Return what reads the messages of one call."""
        return Reader(self)

    def keep(self, frame: object, size_bytes: int) -> None:
        """Count a frame's bytes until nothing refers to it any more."""
        self._used_bytes += size_bytes
        weakref.finalize(frame, self._release_from_anywhere, size_bytes).atexit = False

    async def reserve(self, size_bytes: int) -> None:
        """Wait for room and take it; one message gets it always, however large it is."""
        if self._waiting or not self._has_room(size_bytes):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size_bytes, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.release(size_bytes)  # given and cancelled at the same moment
                raise
        else:
            self._used_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Give room back, to whoever waits for it."""
        self._used_bytes -= size_bytes
        while self._waiting:
            wanted_bytes, turn = self._waiting[0]
            if not turn.cancelled():
                if not self._has_room(wanted_bytes):
                    return
                self._used_bytes += wanted_bytes
                turn.set_result(None)
            self._waiting.popleft()

    def _has_room(self, size_bytes: int) -> bool:
        return self._used_bytes == 0 or self._used_bytes + size_bytes <= self._limit_bytes

    def _release_from_anywhere(self, size_bytes: int) -> None:
        """Give a frame's room back, also where the garbage collector finds it on another thread."""
        if threading.get_ident() == self._thread:
            self.release(size_bytes)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self.release, size_bytes)


class Reader:
    """Reads the messages of one call, with room for those that are expected to be large."""

    def __init__(self, memory: MessageMemory) -> None:
        self._memory = memory
        self._expected_bytes = 0

    async def read(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        """Receive the next message when there is room for it."""
        expected_bytes = self._expected_bytes
        if expected_bytes <= SMALL_BYTES:
            data = await receive()
        else:
            data = await self._read_large(receive, expected_bytes)
        # A stream that sends less from some time on is believed after some messages.
        self._expected_bytes = max(len(data), expected_bytes * 3 // 4)
        return data

    async def _read_large(self, receive: Callable[[], Awaitable[bytes]], expected_bytes: int) -> bytes:
        await self._memory.reserve(expected_bytes)
        with held_at_most(RESERVED_S, partial(self._memory.release, expected_bytes)):
            return await receive()
