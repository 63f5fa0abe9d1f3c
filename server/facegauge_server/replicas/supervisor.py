"""Keep replicas running: start them, start those again that end, and drain them all when asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from facegauge_server.config import Address
from facegauge_server.errors import BadConfiguration
from facegauge_server.replicas.plan import Plan, end_with_parent
from facegauge_server.safe_log import SafeLog

__all__ = ["Ready", "Supervisor"]

FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 10.0
STEADY_S = 60.0
"""A replica that lived for so long is started again without the delay of those that keep ending."""
USAGE_EXIT_CODE = 2
"""What a server ends with whose flags are wrong."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What a replica says once it serves."""

    listen: Address
    metrics: str
    pid: int


class Supervisor:
    """Runs replicas from `run` on until `stop`. Belongs to one event loop."""

    def __init__(self, plans: Sequence[Plan], on_change: Callable[[list[Ready]], None]) -> None:
        """Prepare.

        Args:
            plans: the replicas.
            on_change: called with those that serve, in the order of the plans, whenever one comes or goes.
        """
        self._plans = plans
        self._on_change = on_change
        self._log = SafeLog()
        self._ready: dict[int, Ready] = {}
        self._processes: dict[int, Process] = {}
        self._stopping = asyncio.Event()
        self.all_ready = asyncio.Event()
        """Set once every replica serves, for the first time."""

    async def run(self) -> bool:
        """Run the replicas until `stop`, and return whether all of them drained well.

        Raises BadConfiguration where a replica ends for its flags before it has ever served; the others have
        been asked to stop then, and have.
        """
        results = await asyncio.gather(*(self._keep(plan) for plan in self._plans), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return all(results)

    @property
    def ready(self) -> list[Ready]:
        """The replicas that serve, in the order of the plans."""
        return [ready for _, ready in sorted(self._ready.items())]

    def stop(self) -> None:
        """Ask every replica to drain; asked once more, they end at once."""
        self._stopping.set()
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every replica."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def _keep(self, plan: Plan) -> bool:
        """Keep one replica running; returns whether it drained well in the end."""
        delay_s, has_served = FIRST_DELAY_S, False
        while True:
            started_s = time.monotonic()
            process = await self._start(plan)
            has_served = await self._serve(plan, process) or has_served
            code = await process.wait()
            self._gone(plan)
            if self._stopping.is_set():
                return code == 0
            if code == USAGE_EXIT_CODE and not has_served:
                self.stop()
                raise BadConfiguration(f"replica {plan.number} does not start: see its message above")
            if time.monotonic() - started_s > STEADY_S:
                delay_s = FIRST_DELAY_S
            self._log.error("a replica ended", replica=plan.number, exit_code=code, again_in_s=delay_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)
                return True
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)

    async def _start(self, plan: Plan) -> Process:
        # A child has the cores of the thread that starts it, and counts its workers by them as it begins.
        own_cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, plan.cores)
        try:
            process = await asyncio.create_subprocess_exec(
                *plan.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                env=plan.environment,
                preexec_fn=end_with_parent,
            )
        finally:
            os.sched_setaffinity(0, own_cores)
        self._processes[plan.number] = process
        if self._stopping.is_set():
            process.terminate()
        return process

    async def _serve(self, plan: Plan, process: Process) -> bool:
        """Wait until a replica serves, then until it ends; returns whether it has served."""
        assert process.stdout is not None  # noqa: S101 - narrows: it is a pipe
        said: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            said = json.loads(await process.stdout.readline())
        if said.get("event") != "ready":
            return False
        ready = Ready(Address.parse(said["listen"], "--listen"), said["metrics"], said["pid"])
        self._ready[plan.number] = ready
        self._log.info("a replica serves", replica=plan.number, pid=ready.pid, cores=sorted(plan.cores))
        self._changed()
        if len(self._ready) == len(self._plans):
            self.all_ready.set()
        await process.stdout.read()
        return True

    def _gone(self, plan: Plan) -> None:
        self._processes.pop(plan.number, None)
        if self._ready.pop(plan.number, None) is not None and not self._stopping.is_set():
            self._changed()

    def _changed(self) -> None:
        self._on_change(self.ready)
