"""A frame while a worker works on it, a worker's place in the pool, and how a frame may fail."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from facegauge_server.coded_types import UnitRun
from facegauge_server.errors import BadFrame
from facegauge_server.types import EncodedFrame
from facegauge_server.workers.decoder_home import DecoderHome
from facegauge_server.workers.messages import Worked
from facegauge_server.workers.process import WorkerProcess

__all__ = ["DecoderLost", "FrameTimeout", "Job", "Seat", "StageError", "WorkerDied"]


class WorkerDied(BadFrame):
    """The worker's process ended while it worked on this frame."""


class DecoderLost(BadFrame):
    """The process that the stream's decoder lived in has ended, by no fault of this stream."""


class FrameTimeout(BadFrame):
    """The frame took longer than it may."""


class StageError(Exception):
    """A stage failed in a way that is our bug; `trace` is the worker's traceback."""

    def __init__(self, error: str, trace: str) -> None:
        super().__init__(error)
        self.trace = trace


@dataclass(slots=True, eq=False)
class Job:
    """One frame, from the queue to its result."""

    frame: EncodedFrame | UnitRun
    tracker: bytes
    display_lines: int
    done: asyncio.Future[Worked]
    home: DecoderHome | None = None
    """Where a run of units is decoded."""
    queued_s: float = field(default_factory=time.monotonic)
    sent_s: float = 0.0
    waited_s: float = 0.0
    """Wall-clock time in the queue or with the worker, counted in ticks of the loop."""

    @property
    def starts_decoder(self) -> bool:
        """Whether any worker will do, though it is a run of units."""
        return isinstance(self.frame, UnitRun) and bool(self.frame.units) and self.frame.units[0].starts

    def fail(self, error: Exception) -> None:
        """End it with an error, unless it is over."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(slots=True, eq=False)
class Seat:
    """A worker's place in the pool."""

    worker: WorkerProcess
    job: Job | None = None
    cpu_before_s: float = 0.0
    """Processor time that the worker had used when it was given the job."""
    decoders: set[DecoderHome] = field(default_factory=set)
    """Homes of the streams whose coded video this worker decodes."""
    ready: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Done once the worker takes frames."""

    def fail_job(self, error: BadFrame) -> None:
        """End the frame in the worker's hands with an error."""
        job, self.job = self.job, None
        if job is not None:
            job.fail(error)
