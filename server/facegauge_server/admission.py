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

__all__ = ["WaitEstimate", "WorkerSlots"]

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


class WorkerSlots:
    """Slots at the workers, given in the order in which they were asked for. Belongs to one event loop."""

    def __init__(
        self,
        workers: int,
        on_wait: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the slots.

        Args:
            workers: number of worker threads.
            on_wait: called with the time that each slot was waited for, seconds.
            clock: monotonic time, seconds.
        """
        self.wait = WaitEstimate()
        self._slots = asyncio.Semaphore(SLOTS_PER_WORKER * workers)
        self._on_wait = on_wait
        self._clock = clock

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it while the block runs."""
        asked_s = self._clock()
        async with self._slots:
            now_s = self._clock()
            self.wait.observe(now_s - asked_s, now_s)
            self._on_wait(now_s - asked_s)
            yield
