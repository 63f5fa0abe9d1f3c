"""Measure the event loop's lag: how late it runs a timer.

All streams are received and sent on one loop; whatever blocks it delays everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["measure_loop_lag"]

INTERVAL_S = 0.1


async def measure_loop_lag(observe: Callable[[float], None], interval_s: float = INTERVAL_S) -> None:
    """Call `observe` with the loop's lag in seconds after every interval, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + interval_s
        await asyncio.sleep(interval_s)
        observe(max(0.0, loop.time() - due_s))
