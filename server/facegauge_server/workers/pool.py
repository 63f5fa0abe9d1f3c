"""Who works on which frame, and what happens when a worker dies or takes too long.

A worker has one frame at a time; the frames that wait stand in one queue, so that a worker's end costs only
the frame in its hands. That frame is answered with what happened, its stream's tracker stays as it was, and a
new worker is forked.

A frame may take `frame_timeout_s` of its worker's processor time: on a busy machine waiting is nobody's
fault. A worker that uses none (it waits for a lock that never comes free) is caught by `STALL_FACTOR` times
as much time on the clock, counted in ticks of this loop, so that a server that was stopped itself blames no
worker.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

from facegauge_server.errors import BadFrame, WorkersFailed
from facegauge_server.metrics import RestartReason
from facegauge_server.safe_log import SafeLog
from facegauge_server.types import EncodedFrame
from facegauge_server.workers.messages import Ready, Refused, Reply, StageFailed, Worked
from facegauge_server.workers.process import WorkerProcess
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.spawner import Spawner, ZygoteLost
from facegauge_server.workers.zygote import Started

__all__ = ["FrameTimeout", "FrameWorkers", "StageError", "WorkerDied", "WorkersHealth"]

STALL_FACTOR = 5.0
TICK_S = 0.05
PREPARE_TIMEOUT_S = 120.0
START_TIMEOUT_S = 30.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 5.0
MAX_RESTARTS_A_MINUTE = 30
"""More, and the server is not ready: something here or in the calls is badly wrong."""
MAX_RESTARTS_NOTED = 1000
GIVE_UP_AFTER_S = 30.0
"""Without a single worker for so long, the server is of no use: its supervisor should start it again."""


class WorkerDied(BadFrame):
    """The worker's process ended while it worked on this frame."""


class FrameTimeout(BadFrame):
    """The frame took longer than it may."""


class StageError(Exception):
    """A stage failed in a way that is our bug; `trace` is the worker's traceback."""

    def __init__(self, error: str, trace: str) -> None:
        super().__init__(error)
        self.trace = trace


@dataclass(frozen=True, slots=True)
class WorkersHealth:
    """How the workers are."""

    serving: int
    """Workers that take frames."""
    restarts_last_minute: int
    why_not_ready: str
    """Empty while all is well."""


@dataclass(slots=True, eq=False)
class _Job:
    frame: EncodedFrame
    tracker: bytes
    display_lines: int
    done: asyncio.Future[Worked]
    queued_s: float = field(default_factory=time.monotonic)
    sent_s: float = 0.0
    waited_s: float = 0.0
    """In the queue, or for the worker: time on the clock, in ticks of the loop."""


@dataclass(slots=True, eq=False)
class _Seat:
    """A worker's place in the pool."""

    worker: WorkerProcess
    job: _Job | None = None
    cpu_before_s: float = 0.0
    ready: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class FrameWorkers:
    """Works on frames in `size` processes. Use as an asynchronous context manager."""

    def __init__(
        self,
        size: int,
        settings: WorkSettings,
        frame_timeout_s: float,
        *,
        on_restart: Callable[[RestartReason], None] = lambda _: None,
        work_module: str = "facegauge_server.workers.frame_work",
        close_grace_s: float = 1.0,
    ) -> None:
        """Make a pool without workers.

        Args:
            size: processes at work at once.
            settings: what they work with.
            frame_timeout_s: processor time that a frame may take.
            on_restart: hears why, whenever a worker must be replaced.
            work_module: has `prepare` and `make` as `frame_work.py` has them.
            close_grace_s: what frames in flight get to finish at the end.
        """
        self._size = size
        self._settings = settings
        self._frame_timeout_s = frame_timeout_s
        self._on_restart = on_restart
        self._work_module = work_module
        self._close_grace_s = close_grace_s
        self._log = SafeLog()
        self._queue: deque[_Job] = deque()
        self._seats: set[_Seat] = set()
        self._idle: list[_Seat] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._processes: dict[int, WorkerProcess] = {}
        self._restarts_s: deque[float] = deque(maxlen=MAX_RESTARTS_NOTED)
        self._past_cpu_s = 0.0
        self._without_workers_s = 0.0
        self._is_closing = False
        self._spawner: Spawner | None = None
        self._spawner_lock = asyncio.Lock()
        self.gave_up = asyncio.Event()
        """Set when there was no worker for `GIVE_UP_AFTER_S`: this process should end."""
        self.started = Started("", "")
        """Which engine the workers score with, once they run."""

    async def __aenter__(self) -> Self:
        try:
            await self._running_spawner()
            await asyncio.gather(*(self._begin(self._start_one()) for _ in range(self._size)))
        except RuntimeError as error:
            await self.close()
            raise WorkersFailed(f"worker processes do not start: {error}") from error
        except BaseException:
            await self.close()
            raise
        self._begin(self._watch()).add_done_callback(self._watch_ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def assess(self, frame: EncodedFrame, tracker: bytes, display_lines: int) -> Worked:
        """Work on a stream's next frame.

        Raises:
            BadFrame: the frame cannot be used; WorkerDied and FrameTimeout where it was the end of a worker.
            StageError: a stage failed; the worker goes on.
        """
        job = _Job(frame, tracker, display_lines, asyncio.get_running_loop().create_future())
        if self._is_closing:
            raise WorkerDied("the server is going down: the frame was not worked on")
        self._queue.append(job)
        self._hand_out()
        try:
            return await job.done
        finally:
            del job  # or it holds the frame in a cycle: error, traceback, this function's variables, error

    @property
    def health(self) -> WorkersHealth:
        """How the workers are now."""
        restarts = self._restarts_last_minute()
        serving = sum(1 for seat in list(self._seats) if seat.ready.done())
        why = ""
        if not serving:
            why = "no worker process is running"
        elif restarts > MAX_RESTARTS_A_MINUTE:
            why = f"{restarts} worker processes had to be replaced within a minute"
        return WorkersHealth(serving, restarts, why)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [seat.worker.pid for seat in list(self._seats)]

    @property
    def cpu_s(self) -> float:
        """Processor time of all workers so far, those that have ended included, seconds."""
        return self._past_cpu_s + sum(seat.worker.cpu_s() for seat in list(self._seats))

    async def close(self) -> None:
        """Finish the frames in flight within the grace, then end all processes, whatever they do."""
        in_flight = [seat.job.done for seat in self._seats if seat.job is not None]
        in_flight += [job.done for job in self._queue]
        if in_flight and not self._is_closing:
            await asyncio.wait(in_flight, timeout=self._close_grace_s)
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        gone = WorkerDied("the server is going down: the frame was not worked on")
        for seat in list(self._seats):
            self._leave(seat, gone)
            seat.worker.kill()
        while self._queue:
            _fail(self._queue.popleft(), gone)
        if self._spawner is not None:
            await self._spawner.close()
        for worker in self._processes.values():
            worker.close()
        self._processes.clear()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- frames ------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        while self._idle and self._queue:
            job = self._queue.popleft()
            if job.done.done():
                continue  # its stream is gone
            seat = self._idle.pop()  # the one that was busy last, whose caches are warm
            try:
                is_sent = seat.worker.send(job.frame, job.tracker, job.display_lines)
            except BadFrame as error:
                self._idle.append(seat)
                _fail(job, error)
                continue
            if not is_sent:  # it died while it had nothing to do
                self._queue.appendleft(job)
                seat.worker.kill()
                self._leave(seat, WorkerDied())
                self._replace("crash")
                continue
            seat.job, seat.cpu_before_s, job.waited_s = job, seat.worker.cpu_s(), 0.0
            job.sent_s = time.monotonic()

    def _take_reply(self, seat: _Seat, reply: Reply) -> None:
        if isinstance(reply, Ready):
            if not seat.ready.done():
                seat.ready.set_result(None)
            return
        job, seat.job = seat.job, None
        self._idle.append(seat)
        self._hand_out()  # before anything else: the worker is waiting
        if job is None or job.done.done():
            return
        if isinstance(reply, Worked):
            job.done.set_result(replace(reply, waited_s=job.sent_s - job.queued_s))
        elif isinstance(reply, Refused):
            job.done.set_exception(BadFrame(reply.why))
        else:
            assert isinstance(reply, StageFailed)  # noqa: S101 - narrows the union
            job.done.set_exception(StageError(reply.error, reply.trace))

    # -- workers -----------------------------------------------------------------------------------------

    async def _hire(self) -> None:
        """Get one more worker, however long it takes."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                await self._start_one()
            except Exception as error:  # noqa: BLE001 - whatever it is, trying again is all that can be done
                self._log.error("a worker did not start", error=str(error), retry_s=retry_s)
                self._note_restart("start")
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            else:
                return

    async def _start_one(self) -> None:
        spawner = await self._running_spawner()
        student = self._settings.student
        worker = WorkerProcess((student.input_height, student.input_width, 3), self._settings.crop_bytes)
        seat = _Seat(worker)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await worker.start(
                    spawner, partial(self._take_reply, seat), partial(self._worker_ended, seat)
                )
                self._seats.add(seat)
                self._processes[worker.pid] = worker
                await seat.ready
        except BaseException as error:
            self._seats.discard(seat)
            worker.kill()
            if worker.pid == 0:
                worker.close()
            if isinstance(error, TimeoutError):
                raise RuntimeError(f"it was not ready within {START_TIMEOUT_S:g} s") from error
            raise
        self._idle.append(seat)
        self._hand_out()

    async def _running_spawner(self) -> Spawner:
        async with self._spawner_lock:
            if self._spawner is None or self._spawner.is_lost:
                if self._spawner is not None:
                    await self._spawner.close()
                    self._forget_processes()
                spawner = Spawner(self._process_died)
                self._spawner = spawner
                try:
                    async with asyncio.timeout(PREPARE_TIMEOUT_S):
                        self.started = await spawner.start(self._work_module, self._settings)
                except ZygoteLost as error:
                    raise RuntimeError("the process that forks workers ended as it started") from error
                except TimeoutError as error:
                    await spawner.close()
                    raise RuntimeError(
                        f"the networks were not loaded within {PREPARE_TIMEOUT_S:g} s"
                    ) from error
            return self._spawner

    def _worker_ended(self, seat: _Seat, why: str) -> None:
        if not seat.ready.done():
            words = seat.worker.last_words()[-1000:]
            seat.ready.set_exception(RuntimeError(f"it ended as it started: {words}"))
            return
        error = WorkerDied("the process that worked on this frame died of it: the frame is lost")
        self._leave(seat, error)
        self._replace("crash")
        if why != "crash":
            self._log.error("a worker sent what no worker sends", pid=seat.worker.pid, why=why)

    def _leave(self, seat: _Seat, error: BadFrame) -> None:
        """Take a worker out of the pool; its frame gets the error."""
        if seat in self._seats:
            self._past_cpu_s += max(seat.cpu_before_s, seat.worker.cpu_s())
        self._seats.discard(seat)
        if seat in self._idle:
            self._idle.remove(seat)
        job, seat.job = seat.job, None
        if job is not None:
            _fail(job, error)

    def _replace(self, reason: RestartReason) -> None:
        self._note_restart(reason)
        if not self._is_closing:
            self._begin(self._hire())

    def _note_restart(self, reason: RestartReason) -> None:
        self._restarts_s.append(time.monotonic())
        self._on_restart(reason)

    def _process_died(self, pid: int, exit_code: int) -> None:
        worker = self._processes.pop(pid, None)
        if worker is None:
            return
        worker.read_rest()  # its end may be heard of here first
        if not self._is_closing:
            self._log.error("a worker died", pid=pid, exit_code=exit_code, last_words=worker.last_words())
        worker.close()

    def _forget_processes(self) -> None:
        """Give back what belonged to workers whose zygote ended before it could tell of their end."""
        for pid, worker in list(self._processes.items()):
            worker.read_rest()
            worker.close()
            del self._processes[pid]

    def _restarts_last_minute(self) -> int:
        now_s = time.monotonic()
        return sum(now_s - restart_s < 60 for restart_s in list(self._restarts_s))

    # -- time --------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        tick_s = min(TICK_S, self._frame_timeout_s / 4)
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        while True:
            await asyncio.sleep(tick_s)
            now_s = loop.time()
            elapsed_s, before_s = min(now_s - before_s, 2 * tick_s), now_s
            for seat in list(self._seats):
                self._check_frame(seat, elapsed_s)
            self._check_staff(elapsed_s)

    def _watch_ended(self, watch: asyncio.Task[None]) -> None:
        if not watch.cancelled():  # without it nothing would be noticed any more
            self._log.error("the watch over the workers ended", exc_info=watch.exception())
            self.gave_up.set()

    def _check_frame(self, seat: _Seat, elapsed_s: float) -> None:
        job = seat.job
        if job is None:
            return
        job.waited_s += elapsed_s
        if job.waited_s < self._frame_timeout_s:
            return  # so long a frame cannot have used it up on one processor
        limit_s = self._frame_timeout_s
        has_worked_s = seat.worker.cpu_s() - seat.cpu_before_s
        if has_worked_s < limit_s and job.waited_s < STALL_FACTOR * limit_s:
            return
        seat.worker.kill()
        text = f"the frame took longer than {limit_s:g} s (--frame-timeout): its worker was ended"
        self._leave(seat, FrameTimeout(text))
        self._replace("timeout")

    def _check_staff(self, elapsed_s: float) -> None:
        if any(seat.ready.done() for seat in self._seats):
            self._without_workers_s = 0.0
            return
        self._without_workers_s += elapsed_s
        limit_s = STALL_FACTOR * self._frame_timeout_s
        for job in self._queue:
            job.waited_s += elapsed_s
            if job.waited_s >= limit_s:
                _fail(job, FrameTimeout(f"no process could take the frame within {limit_s:g} s"))
        if self._without_workers_s >= GIVE_UP_AFTER_S and not self.gave_up.is_set():
            self._log.error("no worker for too long", seconds=GIVE_UP_AFTER_S)
            self.gave_up.set()


def _fail(job: _Job, error: BadFrame) -> None:
    if not job.done.done():
        job.done.set_exception(error)
