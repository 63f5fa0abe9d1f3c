"""How long frames wait for a worker just now: what says that the server has no room for more streams."""

from __future__ import annotations

import math
import threading

__all__ = ["WorkerWait"]

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
