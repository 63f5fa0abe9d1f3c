"""Calls that have not sent their first message: bounded, so that silent ones crowd out nobody but themselves.

A well-behaved client sends its first message with the call. Where too many calls wait, the one that has
waited longest is refused, first of all on the connection that has most of them: a flood pushes out the flood,
and a newcomer always gets in. Refusals are spaced, as each takes the event loop some of the time that frames
need too; only a flood beyond all measure is refused as fast as it comes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from facegauge_server.errors import InvalidConfig, ServerFull, StreamIdle

__all__ = ["FirstMessages"]

MAX_WAITING = 512
"""Calls of all connections that may wait with their first message for as long as the timeout allows."""
MAX_BACKLOG = 4096
"""Calls that may wait in all, those included that are about to be refused."""
REFUSAL_INTERVAL_S = 0.005
"""Time between two refusals, as long as the backlog has room."""
MAX_CONFIG_BYTES = 64 * 1024
"""Largest first message of a stream; a StreamConfig has some hundred bytes."""


@dataclass(eq=False, slots=True)
class _Waiting:
    connection: str
    timeout: asyncio.Timeout
    is_refused: bool = False


class FirstMessages:
    """Reads the first message of each call. Belongs to one event loop."""

    def __init__(
        self,
        timeout_s: float,
        wait_for_turn: Callable[[int], Awaitable[None]],
        max_waiting: int = MAX_WAITING,
        max_backlog: int = MAX_BACKLOG,
    ) -> None:
        """Wait for first messages.

        Args:
            timeout_s: how long each call may take to send its first message.
            wait_for_turn: slows down those that send large ones, by their bytes.
            max_waiting: calls of all connections that may wait at once.
            max_backlog: calls beyond which each newcomer has another one refused at once.
        """
        self._timeout_s = timeout_s
        self._wait_for_turn = wait_for_turn
        self._max_waiting = max_waiting
        self._max_backlog = max_backlog
        self._count = 0
        self._waiting: defaultdict[str, dict[_Waiting, None]] = defaultdict(dict)
        """Calls by connection, oldest first."""
        self._next_refusal: asyncio.TimerHandle | None = None

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
                self._enter(waiting)
                return await anext(requests, None)
        except TimeoutError:
            if waiting is not None and waiting.is_refused:
                raise ServerFull(
                    "too many calls wait with their first message: send it with the call"
                ) from None
            raise StreamIdle(f"no first message arrived for {self._timeout_s:g} s (--idle-timeout)") from None
        finally:
            if waiting is not None:
                self._leave(waiting)

    def _enter(self, waiting: _Waiting) -> None:
        self._waiting[waiting.connection][waiting] = None
        self._count += 1
        if self._count > self._max_backlog:
            self._refuse_one()
        elif self._next_refusal is None:
            self._refuse_surplus()

    def _leave(self, waiting: _Waiting) -> None:
        calls = self._waiting[waiting.connection]
        if waiting in calls:
            del calls[waiting]
            self._count -= 1
        if not calls:
            del self._waiting[waiting.connection]

    def _refuse_surplus(self) -> None:
        """Refuse a call if too many wait, and see after a while whether another one must go."""
        self._next_refusal = None
        if self._count > self._max_waiting:
            self._refuse_one()
            loop = asyncio.get_running_loop()
            self._next_refusal = loop.call_later(REFUSAL_INTERVAL_S, self._refuse_surplus)

    def _refuse_one(self) -> None:
        """Refuse the oldest call of the connection that has most."""
        oldest = next(iter(self._waiting[max(self._waiting, key=lambda peer: len(self._waiting[peer]))]))
        self._leave(oldest)
        oldest.is_refused = True
        oldest.timeout.reschedule(0)
