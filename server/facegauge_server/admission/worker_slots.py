"""Who may use the workers next, and how long that takes at present: whether there is room for more streams.

A stream waits for a worker slot first and picks its frame when it has one. If frames queued instead, each
would be as old as the queue is long, and under LIVE delivery newer ones would be dropped for it.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from facegauge_server.admission.fair_queue import FairQueue, Flow, Ticket

__all__ = ["Turn", "WaitEstimate", "WorkerSlots"]

SLOTS_PER_WORKER = 2
"""One frame with its worker, another on its way to the engine or back."""

TIME_CONSTANT_S = 2.0
"""Time constant of the mean: one slow frame is no load, two slow seconds are."""


class WaitEstimate:
    """Running mean of the waits for a worker, which decays while nobody waits. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mean_s = 0.0
        self._at_s = -math.inf

    def observe(self, wait_s: float, now_s: float) -> None:
        """Note a frame's wait; `now_s` is monotonic time."""
        with self._lock:
            weight = 1 - self._decay(now_s)
            self._mean_s += weight * (wait_s - self._mean_s)
            self._at_s = max(self._at_s, now_s)

    def mean_s(self, now_s: float) -> float:
        """Return the mean wait, seconds; it falls towards 0 while no frame comes."""
        with self._lock:
            return self._mean_s * self._decay(now_s)

    def _decay(self, now_s: float) -> float:
        return math.exp(-max(0.0, now_s - self._at_s) / TIME_CONSTANT_S)


class Turn:
    """A slot while it is held."""

    def __init__(self) -> None:
        self.cost_s: float | None = None
        """Worker time that the turn has taken, where it is known; the time that it was held otherwise."""


class WorkerSlots:
    """Slots at the workers, shared fairly by worker time (`fair_queue.py`). Belongs to one event loop."""

    def __init__(
        self,
        workers: int,
        on_wait: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the slots.

        Args:
            workers: number of workers.
            on_wait: called with the time that each counted flow waited for a slot, seconds.
            clock: monotonic time, seconds.
        """
        self.wait = WaitEstimate()
        self._queue = FairQueue(SLOTS_PER_WORKER * workers, SLOTS_PER_WORKER)
        self._waiting: dict[Ticket, asyncio.Future[None]] = {}
        self._on_wait = on_wait
        self._clock = clock

    @asynccontextmanager
    async def slot(self, flow: Flow, place: object | None = None) -> AsyncIterator[Turn]:
        """Wait for a slot and hold it while the block runs; `place` is a worker that alone will do."""
        asked_s = self._clock()
        ticket = self._queue.request(flow, place)
        await self._granted(ticket)
        started_s = self._clock()
        if flow.is_live:
            self.wait.observe(started_s - asked_s, started_s)
        if flow.is_counted:
            self._on_wait(started_s - asked_s)
        turn = Turn()
        try:
            yield turn
        finally:
            held_s = self._clock() - started_s
            self._queue.finish(ticket, held_s if turn.cost_s is None else turn.cost_s)
            self._hand_out()

    async def _granted(self, ticket: Ticket) -> None:
        """Wait until a ticket has its slot; whoever is cancelled meanwhile leaves nothing behind."""
        granted = self._waiting[ticket] = asyncio.get_running_loop().create_future()
        self._hand_out()
        try:
            await granted
        except asyncio.CancelledError:
            if self._waiting.pop(ticket, None) is None:
                self._queue.finish(ticket, 0.0)  # granted and cancelled at the same moment
            else:
                self._queue.cancel(ticket)
            self._hand_out()
            raise

    def _hand_out(self) -> None:
        while (ticket := self._queue.grant()) is not None:
            granted = self._waiting.pop(ticket)
            if not granted.done():
                granted.set_result(None)
