"""Hand frames to idle workers, and results to whoever waits for them.

A worker has one frame at a time; the frames that wait stand in one queue, so that a worker's end costs only
the frame in its hands. A run of units waits for the worker where its stream's decoder lives
(`decoder_home.py`), and lets others pass meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from facegauge_server.coded_types import UnitRun
from facegauge_server.errors import BadFrame
from facegauge_server.workers.job import DecoderLost, Job, Seat, StageError
from facegauge_server.workers.messages import Refused, Reply, StageFailed, Worked

__all__ = ["Dispatcher"]


class Dispatcher:
    """The queue of frames and the idle workers. Belongs to the event loop."""

    def __init__(self, on_dead: Callable[[Seat], None]) -> None:
        """Start with no worker; `on_dead` hears of an idle one that turns out to have died."""
        self._on_dead = on_dead
        self.queue: deque[Job] = deque()
        self._idle: list[Seat] = []

    def submit(self, job: Job) -> None:
        """Give a frame to an idle worker, or put it at the end of the queue."""
        self.queue.append(job)
        self._hand_out()

    def add(self, seat: Seat) -> None:
        """Give a worker that has nothing to do the next frame."""
        self._idle.append(seat)
        self._hand_out()

    def remove(self, seat: Seat) -> None:
        """Give a worker no more frames."""
        if seat in self._idle:
            self._idle.remove(seat)
        for home in seat.decoders:
            home.lose()
        seat.decoders.clear()

    def take_result(self, seat: Seat, reply: Reply) -> None:
        """Pass a worker's result on to whoever waits for it."""
        job, seat.job = seat.job, None
        self.add(seat)  # before anything else: the worker is waiting
        if job is None or job.done.done():
            return
        if isinstance(reply, Worked):
            job.done.set_result(replace(reply, waited_s=job.sent_s - job.queued_s))
        elif isinstance(reply, Refused):
            job.fail(BadFrame(reply.why))
        else:
            assert isinstance(reply, StageFailed)  # noqa: S101 - narrows the union
            job.fail(StageError(reply.error, reply.trace))

    def fail_queue(self, error: BadFrame) -> None:
        """End all frames that wait with an error."""
        while self.queue:
            self.queue.popleft().fail(error)

    def _hand_out(self) -> None:
        while (found := self._next()) is not None:
            job, seat = found
            try:
                is_sent = self._send(job, seat)
            except BadFrame as error:
                self._idle.append(seat)
                job.fail(error)
                continue
            if not is_sent:  # it died while it had nothing to do
                self.queue.appendleft(job)
                self._on_dead(seat)
                continue
            seat.job, seat.cpu_before_s = job, seat.worker.cpu_s()
            job.waited_s, job.sent_s = 0.0, time.monotonic()

    def _next(self) -> tuple[Job, Seat] | None:
        """Take the oldest job that an idle worker can do, and that worker."""
        if not self._idle:
            return None
        for job in list(self.queue):
            if job.done.done():  # its stream is gone
                self.queue.remove(job)
                continue
            if job.home is not None and job.home.seat is None and not job.starts_decoder:
                self.queue.remove(job)
                job.fail(DecoderLost("the process that decoded this stream has ended: send a keyframe"))
                continue
            seat = self._seat_for(job)
            if seat is not None:
                self.queue.remove(job)
                self._idle.remove(seat)
                return job, seat
        return None

    def _seat_for(self, job: Job) -> Seat | None:
        if job.home is None:
            return self._idle[-1]  # the one that was busy last, whose caches are warm
        home = job.home.seat
        if not job.starts_decoder:
            return home if home in self._idle else None
        emptiest = min(reversed(self._idle), key=lambda seat: len(seat.decoders))
        # Where it lives is as good as where one decoder fewer does: it would be one more there.
        if home is not None and len(home.decoders) <= len(emptiest.decoders) + 1:
            return home if home in self._idle else None
        return emptiest

    def _send(self, job: Job, seat: Seat) -> bool:
        """Hand a job to a worker; returns False where it has died. Raises BadFrame for what is too large."""
        if isinstance(job.frame, UnitRun):
            assert job.home is not None  # noqa: S101 - whoever submits a run says where it is decoded
            job.home.move_to(seat)
            return seat.worker.send_run(job.frame, job.home.number, job.tracker, job.display_lines)
        return seat.worker.send(job.frame, job.tracker, job.display_lines)
