"""Hold one stream to its maximum frame rate."""

from __future__ import annotations

import math

__all__ = ["RateLimit"]

BURST_S = 0.1
"""How far ahead of its rate a stream may run: frames of a real call do not arrive evenly."""


class RateLimit:
    """Spaces frames at `max_fps` (generic cell rate algorithm). Times are the server's monotonic clock."""

    def __init__(self, max_fps: float) -> None:
        """Allow `max_fps` frames per second; 0 allows any rate."""
        self._interval_s = 1 / max_fps if max_fps else 0.0
        self._next_s = -math.inf

    @property
    def ready_s(self) -> float:
        """The time from which the next frame may pass; minus infinity before the first frame."""
        return self._next_s - BURST_S if self._interval_s else -math.inf

    def take(self, now_s: float) -> None:
        """Note that a frame passes."""
        self._next_s = max(self._next_s, now_s) + self._interval_s
