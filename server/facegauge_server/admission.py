"""Who may use the workers next, and how long that takes just now: what says that there is no room for more.

Streams take turns, and pick a frame when it is their turn. Were frames to queue instead, each would be as
old as the queue is long, and under LIVE delivery newer ones would be dropped for it.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

__all__ = ["Turns", "WorkerWait"]

TURNS_A_WORKER = 2
"""One frame with its worker, another on its way to the engine or back."""

TIME_CONSTANT_S = 2.0
"""Of the mean: one slow frame is no load, two slow seconds are."""


class WorkerWait:
    """Running mean of the waits, forgotten as time passes without any. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mean_s = 0.0
        self._at_s = -math.inf

    def observe(self, wait_s: float, now_s: float) -> None:
        """Note a frame's wait; `now_s` is monotonic time."""
        with self._lock:
            weight = 1 - self._kept(now_s)
            self._mean_s += weight * (wait_s - self._mean_s)
            self._at_s = max(self._at_s, now_s)

    def mean_s(self, now_s: float) -> float:
        """Return the mean wait, seconds; it falls towards 0 while no frame comes."""
        with self._lock:
            return self._mean_s * self._kept(now_s)

    def _kept(self, now_s: float) -> float:
        return math.exp(-max(0.0, now_s - self._at_s) / TIME_CONSTANT_S)


class Turns:
    """Places at the workers, given in the order in which they were asked for. Belongs to one event loop."""

    def __init__(self, workers: int, on_wait: Callable[[float], None] = lambda _: None) -> None:
        """Make the places.

        Args:
            workers: threads that there are turns at.
            on_wait: is told how long each turn was waited for, seconds.
        """
        self.wait = WorkerWait()
        self._places = asyncio.Semaphore(TURNS_A_WORKER * workers)
        self._on_wait = on_wait

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place and hold it while the block runs."""
        asked_s = time.monotonic()
        async with self._places:
            now_s = time.monotonic()
            self.wait.observe(now_s - asked_s, now_s)
            self._on_wait(now_s - asked_s)
            yield
