"""Start worker processes by way of a zygote, and take note of their ends.

The zygote (`zygote.py`) is started again when it is lost, and all workers with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from facegauge_server.safe_log import SafeLog
from facegauge_server.workers.messages import Reply
from facegauge_server.workers.process import WorkerProcess
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.spawner import Spawner, ZygoteLost
from facegauge_server.workers.zygote import Started

__all__ = ["WorkerLauncher"]

PREPARE_TIMEOUT_S = 120.0


class WorkerLauncher:
    """Starts workers, and gives back what they leave. Belongs to the event loop."""

    def __init__(self, settings: WorkSettings, work_module: str) -> None:
        """Start nothing yet.

        Args:
            settings: what all workers work with.
            work_module: has `prepare` and `make` as `frame_work.py` has them.
        """
        self._settings = settings
        self._work_module = work_module
        self._log = SafeLog()
        self._processes: dict[int, WorkerProcess] = {}
        self._spawner: Spawner | None = None
        self._spawner_lock = asyncio.Lock()
        self._is_closing = False
        self.started = Started("", "")
        """The engine that the workers score with, once the zygote runs."""

    @property
    def zygote_pid(self) -> int | None:
        """Process id of the zygote; None before it is started."""
        return None if self._spawner is None else self._spawner.pid

    async def prepare(self) -> Spawner:
        """Start the zygote, unless it runs; raises what `prepare` raised there, or RuntimeError."""
        async with self._spawner_lock:
            if self._spawner is None or self._spawner.is_lost:
                if self._spawner is not None:
                    await self._spawner.close()
                    self._forget_all()
                self._spawner = Spawner(self._note_death)
                await self._start(self._spawner)
            return self._spawner

    def create(self) -> WorkerProcess:
        """Make a worker that is not started."""
        student = self._settings.student
        return WorkerProcess((student.input_height, student.input_width, 3), self._settings.crop_bytes)

    async def start(
        self, worker: WorkerProcess, on_reply: Callable[[Reply], None], on_end: Callable[[str], None]
    ) -> None:
        """Fork a worker; the callbacks hear its replies, and once, in words, why no more will come."""
        await worker.start(await self.prepare(), on_reply, on_end)
        self._processes[worker.pid] = worker

    def abandon(self, worker: WorkerProcess) -> None:
        """End a worker that did not start."""
        worker.kill()
        if worker.pid == 0:
            worker.close()

    async def close(self) -> None:
        """End all processes, whatever they do."""
        self._is_closing = True
        if self._spawner is not None:
            await self._spawner.close()
        for worker in self._processes.values():
            worker.close()
        self._processes.clear()

    async def _start(self, spawner: Spawner) -> None:
        try:
            async with asyncio.timeout(PREPARE_TIMEOUT_S):
                self.started = await spawner.start(self._work_module, self._settings)
        except ZygoteLost as error:
            raise RuntimeError("the process that forks workers ended as it started") from error
        except TimeoutError as error:
            await spawner.close()
            raise RuntimeError(f"the networks were not loaded within {PREPARE_TIMEOUT_S:g} s") from error

    def _note_death(self, pid: int, exit_code: int) -> None:
        worker = self._processes.pop(pid, None)
        if worker is None:
            return
        worker.read_rest()  # its end may be heard of here first
        if not self._is_closing:
            self._log.error("a worker died", pid=pid, exit_code=exit_code, last_words=worker.last_words())
        worker.close()

    def _forget_all(self) -> None:
        """Give back what belonged to workers whose zygote ended before it could tell of their end."""
        for pid, worker in list(self._processes.items()):
            worker.read_rest()
            worker.close()
            del self._processes[pid]
