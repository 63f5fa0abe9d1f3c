"""Pace of a playback."""

from __future__ import annotations

import asyncio

__all__ = ["LONGEST_PAUSE_S", "Pacer"]

LONGEST_PAUSE_S = 5.0
"""A longer gap between two frames is cut to this: the server would end the stream as idle."""


class Pacer:
    """Holds frames back until their capture time has come, at a multiple of real time."""

    def __init__(self, speed: float | None) -> None:
        """`speed` is a multiple of real time; None: no frame waits."""
        self._speed = speed
        self._due_s: float | None = None
        self._last_capture_s = 0.0

    async def wait_for(self, capture_time_s: float) -> None:
        """Wait until a frame is due; the first one is due at once."""
        if self._speed is None:
            return
        now_s = asyncio.get_running_loop().time()
        if self._due_s is None:
            self._due_s = now_s
        else:
            gap_s = (capture_time_s - self._last_capture_s) / self._speed
            self._due_s += min(gap_s, LONGEST_PAUSE_S)
        self._last_capture_s = capture_time_s
        await asyncio.sleep(self._due_s - now_s)
