"""Whatever blocks the event loop shows as its lag."""

from __future__ import annotations

import asyncio
import time

from facegauge_server.monitoring.loop_lag import measure_loop_lag

BLOCKED_S = 0.05


async def test_a_blocked_loop_is_noticed() -> None:
    """Something holds the loop for 50 ms: the lag that is measured is as long."""
    lags_s: asyncio.Queue[float] = asyncio.Queue()
    measuring = asyncio.create_task(measure_loop_lag(lags_s.put_nowait, interval_s=0.0))
    await lags_s.get()  # from here on a timer is always running
    while not lags_s.empty():
        lags_s.get_nowait()
    time.sleep(BLOCKED_S)  # noqa: ASYNC251 - blocks the loop on purpose
    assert await lags_s.get() >= BLOCKED_S
    measuring.cancel()
