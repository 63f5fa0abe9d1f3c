"""Calls that have not sent their first message: bounded, so that silent ones crowd out nobody but themselves.

A well-behaved client sends its first message with the call. Where too many calls wait, the one that has
waited longest is refused, first of all on the connection that has most of them: a flood pushes out the flood,
and a newcomer always gets in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from facegauge_server.errors import InvalidConfig, ServerFull, StreamIdle

__all__ = ["FirstMessages"]

MAX_WAITING = 512
"""Calls of all connections that may wait with their first message."""
MAX_CONFIG_BYTES = 64 * 1024
"""Largest first message of a stream; a StreamConfig has some hundred bytes."""


@dataclass(eq=False, slots=True)
class _Waiting:
    connection: str
    timeout: asyncio.Timeout
    is_evicted: bool = False


class FirstMessages:
    """Reads the first message of each call. Belongs to one event loop."""

    def __init__(
        self,
        timeout_s: float,
        wait_for_turn: Callable[[int], Awaitable[None]],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Wait for first messages.

        Args:
            timeout_s: how long each call may take to send its first message.
            wait_for_turn: slows down those that send large ones, by their bytes.
            max_waiting: calls of all connections that may wait at once.
        """
        self._timeout_s = timeout_s
        self._wait_for_turn = wait_for_turn
        self._max_waiting = max_waiting
        self._waiting: dict[_Waiting, None] = {}

    async def read(self, requests: AsyncIterator[bytes], connection: str) -> bytes | None:
        """Return the first message of a call; None where the client closes the call without one.

        Raises StreamIdle after the timeout, and ServerFull where too many calls wait.
        """
        data = await self._receive(requests, connection)
        if data is not None and len(data) > MAX_CONFIG_BYTES:
            await self._wait_for_turn(len(data))
        return data

    async def read_config(self, requests: AsyncIterator[bytes], connection: str) -> bytes | None:
        """Return the first message of a stream, which must be small; raises InvalidConfig too."""
        data = await self._receive(requests, connection)
        if data is None or len(data) <= MAX_CONFIG_BYTES:
            return data
        size_bytes = len(data)
        del data  # the sender waits with its next one, and nobody keeps this one meanwhile
        await self._wait_for_turn(size_bytes)
        text = f"the first message has {size_bytes} bytes, a StreamConfig at most {MAX_CONFIG_BYTES}"
        raise InvalidConfig({"config": text})

    async def _receive(self, requests: AsyncIterator[bytes], connection: str) -> bytes | None:
        waiting: _Waiting | None = None
        try:
            async with asyncio.timeout(self._timeout_s) as timeout:
                waiting = _Waiting(connection, timeout)
                self._waiting[waiting] = None
                if len(self._waiting) > self._max_waiting:
                    self._evict()
                return await anext(requests, None)
        except TimeoutError:
            if waiting is not None and waiting.is_evicted:
                raise ServerFull(
                    "too many calls wait with their first message: send it with the call"
                ) from None
            raise StreamIdle(f"no first message arrived for {self._timeout_s:g} s (--idle-timeout)") from None
        finally:
            if waiting is not None:
                self._waiting.pop(waiting, None)

    def _evict(self) -> None:
        """Refuse the oldest call of the connection that has most."""
        most, _ = Counter(one.connection for one in self._waiting).most_common(1)[0]
        oldest = next(one for one in self._waiting if one.connection == most)
        del self._waiting[oldest]
        oldest.is_evicted = True
        oldest.timeout.reschedule(0)
