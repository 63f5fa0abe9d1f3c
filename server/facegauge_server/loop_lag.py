"""Watches the event loop: how late it wakes those who asked for a time.

All streams' receiving and sending runs on one loop; whatever blocks it delays everybody.
"""

from __future__ import annotations

import asyncio

from facegauge_server.metrics import Metrics

__all__ = ["watch_loop"]

INTERVAL_S = 0.1


async def watch_loop(metrics: Metrics, interval_s: float = INTERVAL_S) -> None:
    """Note the loop's lag at every interval, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + interval_s
        await asyncio.sleep(interval_s)
        metrics.observe_loop_lag(max(0.0, loop.time() - due_s))
