"""How fast messages are read, by the time of the event loop that they take: calls do not wait for floods.

Everything that arrives passes through one loop, which copies and parses it. The messages of a call are read
at once, always. A stream that takes more than `FREE_SHARE` of the loop waits its turn among those that do the
same, and all of them together get `FLOOD_SHARE`: the rest of a flood stays in its sender's buffers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

__all__ = ["Allowance", "ReceivePace", "loop_time_s"]

MESSAGE_S = 0.5e-3
BYTE_S = 4e-3 / 2**20
"""Processor time that a message costs, and each of its bytes: 0.5 ms for 1 kB, 67 ms for 16 MiB, of which the
loop itself takes 12, gRPC's threads and a worker the rest, on the machine of docs/performance.md."""
FREE_SHARE = 0.05
"""Share of the loop's time that any one stream may take at once: 30 frames a second of 250 kB."""
FLOOD_SHARE = 0.5
"""Share of the loop's time for all streams that take more, together."""
BURST_S = 0.04
"""Loop time that a stream may take at once after a while of silence."""


def loop_time_s(size_bytes: int) -> float:
    """Return about how long the loop is busy with a message."""
    return MESSAGE_S + size_bytes * BYTE_S


class ReceivePace:
    """What the streams that take much of the loop's time share. Belongs to one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_s = 0.0

    def allowance(self) -> Allowance:
        """Return a new stream's."""
        return Allowance(self, self._clock)

    async def wait_for_turn(self, size_bytes: int) -> None:
        """Wait as long as a message of this size, that was read, keeps the loop from others of its kind."""
        now_s = self._clock()
        starts_s = max(now_s, self._next_s)
        self._next_s = starts_s + loop_time_s(size_bytes) / FLOOD_SHARE
        if starts_s > now_s:
            await asyncio.sleep(starts_s - now_s)


class Allowance:
    """What one stream has taken of its share."""

    def __init__(self, pace: ReceivePace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._paid_until_s = 0.0
        self._last_bytes = 0

    async def read(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        """Receive the stream's next message in its turn: at once, for a stream within its share."""
        if self._paid_until_s - self._clock() > BURST_S / FREE_SHARE:
            await self._pace.wait_for_turn(self._last_bytes)
            # What was waited for is paid; only what comes from now on counts again.
            self._paid_until_s = min(self._paid_until_s, self._clock() + BURST_S / FREE_SHARE)
        data = await receive()
        self._last_bytes = len(data)
        self._paid_until_s = max(self._paid_until_s, self._clock()) + loop_time_s(len(data)) / FREE_SHARE
        return data
