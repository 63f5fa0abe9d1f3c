"""Background work that must not stop unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress

from facegauge_server.safe_log import SafeLog

__all__ = ["Chores", "restart_delays_s"]

FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 10.0

Chore = Callable[[], Awaitable[None]]


def restart_delays_s() -> Iterator[float]:
    """Yield how long to wait before each restart of a chore that keeps failing."""
    delay_s = FIRST_DELAY_S
    while True:
        yield delay_s
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)


class Chores:
    """Runs endless coroutines as tasks and starts one again that fails or returns."""

    def __init__(
        self,
        chores: Mapping[str, Chore],
        on_failure: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare chores.

        Args:
            chores: by name, for the log.
            on_failure: called with the name of a chore that failed.
            sleep: waits between a failure and the restart, seconds.
        """
        self._chores = chores
        self._on_failure = on_failure
        self._sleep = sleep
        self._log = SafeLog()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all chores."""
        self._tasks = [
            asyncio.create_task(self._keep(name, chore), name=name) for name, chore in self._chores.items()
        ]

    async def stop(self) -> None:
        """Cancel all chores and wait until they are over."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _keep(self, name: str, chore: Chore) -> None:
        for delay_s in restart_delays_s():
            try:
                await chore()
                self._log.error("chore returned", chore=name, restart_in_s=delay_s)
            except Exception as error:  # noqa: BLE001 - logged, counted, and tried again
                self._log.defect("chore failed", error, chore=name, restart_in_s=delay_s)
            self._on_failure(name)
            await self._sleep(delay_s)
