"""Background work that fails is started again, and somebody hears of it."""

from __future__ import annotations

import asyncio
from itertools import islice

from facegauge_server.monitoring.chores import Chores, restart_delays_s


async def test_a_chore_that_dies_is_started_again() -> None:
    """Whether it raises or returns; the others go on, and `stop` ends them all."""
    starts = {"raises": 0, "returns": 0, "goes on": 0}
    failures: list[str] = []
    slept_s: list[float] = []
    enough = asyncio.Event()

    async def raises() -> None:
        starts["raises"] += 1
        raise RuntimeError("chore")

    async def returns() -> None:
        starts["returns"] += 1

    async def goes_on() -> None:
        starts["goes on"] += 1
        await asyncio.Event().wait()

    async def sleep(delay_s: float) -> None:
        slept_s.append(delay_s)
        if len(slept_s) >= 6:
            enough.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    chores = Chores({"raises": raises, "returns": returns, "goes on": goes_on}, failures.append, sleep)
    chores.start()
    await asyncio.wait_for(enough.wait(), timeout=60)
    await chores.stop()
    assert starts["goes on"] == 1
    assert min(starts["raises"], starts["returns"]) >= 2
    assert set(failures) == {"raises", "returns"}


def test_restarts_become_rarer() -> None:
    """A chore that cannot work does not fill the log."""
    delays_s = list(islice(restart_delays_s(), 20))
    assert delays_s == sorted(delays_s)
    assert delays_s[0] == 0.1
    assert delays_s[-1] == 10
