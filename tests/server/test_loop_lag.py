"""Whatever blocks the event loop shows as its lag."""

from __future__ import annotations

import asyncio
import time

from facegauge_server.loop_lag import watch_loop
from facegauge_server.metrics import Metrics

BLOCKED_S = 0.05


async def test_a_blocked_loop_is_noticed() -> None:
    """Something holds the loop for 50 ms: the lag that is noted is as long."""
    metrics = Metrics()
    watch = asyncio.create_task(watch_loop(metrics, interval_s=0.0))
    await asyncio.sleep(0)  # the watchdog goes to sleep
    time.sleep(BLOCKED_S)  # noqa: ASYNC251 - the culprit, on purpose
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    watch.cancel()
    lag_s = metrics.registry.get_sample_value("facegauge_event_loop_lag_seconds_sum")
    assert lag_s is not None
    assert lag_s >= BLOCKED_S
