"""Replicas are kept running, and all of them drain: programs of a few lines stand for servers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from facegauge_server.config import Address
from facegauge_server.errors import BadConfiguration
from facegauge_server.replicas.plan import Plan
from facegauge_server.replicas.supervisor import Ready, Supervisor

SERVES = """
import json, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit({exit_code}))
ready = {{"event": "ready", "listen": "127.0.0.1:{port}", "metrics": "http://m", "pid": os.getpid()}}
print(json.dumps(ready), flush=True)
while True:
    signal.pause()
"""
LIMIT_S = 60.0


def plan(number: int, program: str, *arguments: str) -> Plan:
    return Plan(number, (sys.executable, "-c", program, *arguments), frozenset(os.sched_getaffinity(0)))


def serving(number: int, exit_code: int = 0) -> Plan:
    return plan(number, SERVES.format(exit_code=exit_code, port=number + 1))


class Changes:
    """What the supervisor says of its replicas."""

    def __init__(self) -> None:
        self.seen: list[list[Ready]] = []

    def __call__(self, replicas: list[Ready]) -> None:
        self.seen.append(replicas)

    async def reach(self, count: int) -> list[Ready]:
        """Wait until so many serve."""
        async with asyncio.timeout(LIMIT_S):
            while not self.seen or len(self.seen[-1]) != count:
                await asyncio.sleep(0.01)
        return self.seen[-1]


async def test_a_killed_replica_comes_back() -> None:
    """Those that serve are told, in order, as one goes and as it is back; the other is left alone."""
    changes = Changes()
    supervisor = Supervisor([serving(0), serving(1)], changes)
    running = asyncio.create_task(supervisor.run())
    before = await changes.reach(2)
    await supervisor.all_ready.wait()
    assert [one.listen for one in before] == [Address("127.0.0.1", 1), Address("127.0.0.1", 2)]
    os.kill(before[0].pid, signal.SIGKILL)
    assert await changes.reach(1) == [before[1]]
    after = await changes.reach(2)
    assert after[0].pid != before[0].pid
    assert after[1] == before[1]
    supervisor.stop()
    assert await running
    assert changes.seen[-1] == after  # a drain is not told: Envoy asks the replicas themselves


async def test_one_that_ends_before_it_serves_is_started_again(tmp_path: Path) -> None:
    """A start that fails once, such as for want of memory, costs nothing but time."""
    program = """
import os, sys
if not os.path.exists(sys.argv[1]):
    open(sys.argv[1], "w")
    sys.exit(1)
"""
    changes = Changes()
    both = plan(0, program + SERVES.format(exit_code=0, port=1), str(tmp_path / "tried"))
    supervisor = Supervisor([both], changes)
    running = asyncio.create_task(supervisor.run())
    await changes.reach(1)
    supervisor.stop()
    assert await running


async def test_wrong_flags_end_all() -> None:
    """A replica that ends for its flags, as a server does with exit code 2, is not tried again."""
    supervisor = Supervisor([serving(0), plan(1, "raise SystemExit(2)")], Changes())
    with pytest.raises(BadConfiguration, match="replica 1 does not start"):
        async with asyncio.timeout(LIMIT_S):
            await supervisor.run()


async def test_a_drain_that_fails_is_said() -> None:
    """All are asked to drain; one of them says by its exit code that it could not."""
    changes = Changes()
    supervisor = Supervisor([serving(0), serving(1, exit_code=1)], changes)
    running = asyncio.create_task(supervisor.run())
    replicas = await changes.reach(2)
    supervisor.stop()
    assert not await running
    for one in replicas:
        with pytest.raises(ProcessLookupError):
            os.kill(one.pid, 0)


async def test_stopping_between_two_starts_is_at_once() -> None:
    """While one waits to be started again, a stop does not wait for it."""
    supervisor = Supervisor([plan(0, "raise SystemExit(1)")], Changes())
    running = asyncio.create_task(supervisor.run())
    supervisor.stop()
    async with asyncio.timeout(LIMIT_S):
        await running
