"""The pool of worker processes: frames in, results out, and a new worker for each that dies or hangs.

Frames are handed out by `dispatcher.py`, processes started by `launcher.py`, and `deadlines.py` decides what
takes too long. A frame whose worker ended is answered with what happened, its stream's tracker stays as it
was, and a new worker is forked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Self

from facegauge_server.coded_types import UnitRun
from facegauge_server.errors import BadFrame, WorkersFailed
from facegauge_server.metrics import RestartReason
from facegauge_server.safe_log import SafeLog
from facegauge_server.types import EncodedFrame
from facegauge_server.workers.deadlines import Deadlines
from facegauge_server.workers.decoder_home import DecoderHome
from facegauge_server.workers.dispatcher import Dispatcher
from facegauge_server.workers.health import RestartLog, WorkersHealth
from facegauge_server.workers.job import Job, Seat, WorkerDied
from facegauge_server.workers.launcher import WorkerLauncher
from facegauge_server.workers.messages import Ready, Reply, Worked
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.zygote import Started

__all__ = ["FrameWorkers"]

START_TIMEOUT_S = 30.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 5.0
GOING_DOWN = "the server is going down: the frame was not worked on"


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
        self._close_grace_s = close_grace_s
        self._log = SafeLog()
        self._deadlines = Deadlines(frame_timeout_s)
        self._dispatcher = Dispatcher(self._found_dead)
        self._launcher = WorkerLauncher(settings, work_module)
        self._restarts = RestartLog(on_restart)
        self._seats: set[Seat] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._past_cpu_s = 0.0
        self._is_closing = False
        self.gave_up = asyncio.Event()
        """Set when there has been no worker for `deadlines.GIVE_UP_AFTER_S`: this process should end."""

    async def assess(self, frame: EncodedFrame, tracker: bytes, display_lines: int) -> Worked:
        """Work on a stream's next frame.

        Raises:
            BadFrame: the frame cannot be used; WorkerDied and FrameTimeout where it was the end of a worker.
            StageError: a stage failed; the worker continues.
        """
        return await self._do(Job(frame, tracker, display_lines, asyncio.get_running_loop().create_future()))

    async def assess_run(self, run: UnitRun, home: DecoderHome, tracker: bytes, display_lines: int) -> Worked:
        """Decode a stream's next units where its decoder lives, and work on the picture that is picked.

        Raises what `assess` raises, and DecoderLost where the decoder's worker has ended.
        """
        done: asyncio.Future[Worked] = asyncio.get_running_loop().create_future()
        return await self._do(Job(run, tracker, display_lines, done, home))

    async def _do(self, job: Job) -> Worked:
        if self._is_closing:
            raise WorkerDied(GOING_DOWN)
        self._dispatcher.submit(job)
        try:
            return await job.done
        finally:
            del job  # or it holds the frame in a cycle: error, traceback, this function's variables, error

    @property
    def started(self) -> Started:
        """The engine that the workers score with, once they run."""
        return self._launcher.started

    @property
    def health(self) -> WorkersHealth:
        """How the workers are now."""
        serving = sum(1 for seat in list(self._seats) if seat.ready.done())
        return WorkersHealth(serving, self._restarts.last_minute())

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [seat.worker.pid for seat in list(self._seats)]

    @property
    def cpu_s(self) -> float:
        """Processor time of all workers so far, those that have ended included, seconds."""
        return self._past_cpu_s + sum(seat.worker.cpu_s() for seat in list(self._seats))

    # -- start and end -----------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._launcher.prepare()
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

    async def close(self) -> None:
        """Finish the frames in flight within the grace, then end all processes, whatever they do."""
        in_flight = [seat.job.done for seat in self._seats if seat.job is not None]
        in_flight += [job.done for job in self._dispatcher.queue]
        if in_flight and not self._is_closing:
            await asyncio.wait(in_flight, timeout=self._close_grace_s)
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for seat in list(self._seats):
            self._leave(seat, WorkerDied(GOING_DOWN))
            seat.worker.kill()
        self._dispatcher.fail_queue(WorkerDied(GOING_DOWN))
        await self._launcher.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- one worker's life -------------------------------------------------------------------------------

    async def _start_one(self) -> None:
        await self._launcher.prepare()
        seat = Seat(self._launcher.create())
        take_reply, note_end = partial(self._take_reply, seat), partial(self._worker_ended, seat)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._launcher.start(seat.worker, take_reply, note_end)
                self._seats.add(seat)
                await seat.ready
        except BaseException as error:
            self._seats.discard(seat)
            self._launcher.abandon(seat.worker)
            if isinstance(error, TimeoutError):
                raise RuntimeError(f"it was not ready within {START_TIMEOUT_S:g} s") from error
            raise
        self._dispatcher.add(seat)

    def _take_reply(self, seat: Seat, reply: Reply) -> None:
        if not isinstance(reply, Ready):
            self._dispatcher.take_result(seat, reply)
        elif not seat.ready.done():
            seat.ready.set_result(None)

    def _worker_ended(self, seat: Seat, why: str) -> None:
        if not seat.ready.done():
            words = seat.worker.last_words()[-1000:]
            seat.ready.set_exception(RuntimeError(f"it ended as it started: {words}"))
            return
        self._leave(seat, WorkerDied("the process that worked on this frame died of it: the frame is lost"))
        self._replace("crash")
        if why != "crash":
            self._log.error("a worker sent what no worker sends", pid=seat.worker.pid, why=why)

    def _found_dead(self, seat: Seat) -> None:
        seat.worker.kill()
        self._leave(seat, WorkerDied())
        self._replace("crash")

    def _leave(self, seat: Seat, error: BadFrame) -> None:
        """Take a worker out of the pool; its frame gets the error."""
        if seat in self._seats:
            self._past_cpu_s += max(seat.cpu_before_s, seat.worker.cpu_s())
        self._seats.discard(seat)
        self._dispatcher.remove(seat)
        seat.fail_job(error)

    def _replace(self, reason: RestartReason) -> None:
        self._restarts.note(reason)
        if not self._is_closing:
            self._begin(self._start_replacement())

    async def _start_replacement(self) -> None:
        """Start one more worker, however long it takes."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                await self._start_one()
            except Exception as error:  # noqa: BLE001 - whatever it is, trying again is all that can be done
                self._log.error("a worker did not start", error=str(error), retry_s=retry_s)
                self._restarts.note("start")
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            else:
                return

    # -- time --------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        deadlines, loop = self._deadlines, asyncio.get_running_loop()
        before_s = loop.time()
        while True:
            await asyncio.sleep(deadlines.tick_s)
            now_s = loop.time()
            elapsed_s, before_s = deadlines.elapsed_s(before_s, now_s), now_s
            for seat in list(self._seats):
                if deadlines.frame_is_overdue(seat, elapsed_s):
                    seat.worker.kill()
                    self._leave(seat, deadlines.overdue())
                    self._replace("timeout")
            if any(seat.ready.done() for seat in self._seats):
                deadlines.workers_are_back()
            elif deadlines.wait_without_workers(self._dispatcher.queue, elapsed_s):
                self._give_up("there was no worker for too long")

    def _watch_ended(self, watch: asyncio.Task[None]) -> None:
        if not watch.cancelled():  # without it nothing would be noticed any more
            self._give_up("the watch over the workers ended", exc_info=watch.exception())

    def _give_up(self, why: str, **values: object) -> None:
        if not self.gave_up.is_set():
            self._log.error(why, **values)
            self.gave_up.set()
