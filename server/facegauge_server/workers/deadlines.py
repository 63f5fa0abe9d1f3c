"""Decide when a frame has taken too long, and when there has been no worker for too long.

A frame may take `frame_timeout_s` of its worker's processor time: on a busy machine waiting is nobody's
fault. A worker that uses none (it waits for a lock that never comes free) is caught by `STALL_FACTOR` times
as much time on the clock, counted in ticks of the event loop, so that a server that was stopped itself blames
no worker.

A synchronous core: the ticks come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable

from facegauge_server.workers.job import FrameTimeout, Job, Seat

__all__ = ["GIVE_UP_AFTER_S", "Deadlines"]

STALL_FACTOR = 5.0
TICK_S = 0.05
GIVE_UP_AFTER_S = 30.0
"""Without a single worker for so long, the server is of no use: its supervisor should start it again."""


class Deadlines:
    """Time that frames and workers may take."""

    def __init__(self, frame_timeout_s: float) -> None:
        self._frame_timeout_s = frame_timeout_s
        self._stall_timeout_s = STALL_FACTOR * frame_timeout_s
        self._without_workers_s = 0.0
        self.tick_s = min(TICK_S, frame_timeout_s / 4)
        """How often to check."""

    def elapsed_s(self, before_s: float, now_s: float) -> float:
        """Return what counts of the time since the last tick: of a pause of the whole server, little."""
        return min(now_s - before_s, 2 * self.tick_s)

    def frame_is_overdue(self, seat: Seat, elapsed_s: float) -> bool:
        """Return whether a worker has had its frame for too long."""
        job = seat.job
        if job is None:
            return False
        job.waited_s += elapsed_s
        if job.waited_s < self._frame_timeout_s:
            return False  # so long a frame cannot have used it up on one processor
        has_worked_s = seat.worker.cpu_s() - seat.cpu_before_s
        return has_worked_s >= self._frame_timeout_s or job.waited_s >= self._stall_timeout_s

    def overdue(self) -> FrameTimeout:
        """Return what the frame of a worker that has had it for too long ends with."""
        return FrameTimeout(
            f"the frame took longer than {self._frame_timeout_s:g} s (--frame-timeout): its worker was ended"
        )

    def workers_are_back(self) -> None:
        """Note that there is a worker."""
        self._without_workers_s = 0.0

    def wait_without_workers(self, queue: Iterable[Job], elapsed_s: float) -> bool:
        """End the frames that have waited too long for any worker; return whether to give up."""
        self._without_workers_s += elapsed_s
        for job in queue:
            job.waited_s += elapsed_s
            if job.waited_s >= self._stall_timeout_s:
                job.fail(FrameTimeout(f"no process could take the frame within {self._stall_timeout_s:g} s"))
        return self._without_workers_s >= GIVE_UP_AFTER_S
