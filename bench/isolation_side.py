"""One side of `bench.isolation`: works on frames when a line on standard input says so, and says how it went.

python -m bench.isolation_side threads|processes WORKERS FRAMES_FILE
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
import structlog

from bench.naive_pipeline import read_frames
from facegauge_server.config import Limits
from facegauge_server.engines.student import load_student
from facegauge_server.types import EncodedFrame, Encoding
from facegauge_server.workers.pool import FrameWorkers
from facegauge_server.workers.settings import WorkSettings
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["PROCESSES", "SIDES", "THREADS", "Replacement", "Turn", "main"]

THREADS, PROCESSES = "threads", "processes"
SIDES = (THREADS, PROCESSES)
PRECISION = "f32"
STREAMS_A_WORKER = 2
"""Frames of different streams under way at once: as many as `WorkerSlots` lets through."""
KILLS = 5

Assess = Callable[[EncodedFrame, bytes], Awaitable[bytes]]
"""Works on a frame and returns the stream's tracker after it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn took."""

    frames_a_second: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a new worker took, from `kill -9` of one to another that takes frames in its place."""

    wall_s: float
    cpu_s: float


class _Calls:
    """Streams that send the next frame as soon as the last one is scored."""

    def __init__(self, frames: list[bytes], streams: int) -> None:
        self._frames = frames
        self._trackers = [TrackerCell(0.5, 8, 2.0).state for _ in range(streams)]
        self._number = 0

    async def turn(self, assess: Assess, count: int) -> Turn:
        times_s: list[float] = []
        left = count
        start_s = time.perf_counter()

        async def stream(index: int) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                self._number += 1
                data = self._frames[self._number % len(self._frames)]
                frame = EncodedFrame(self._number, self._number / 5, Encoding.JPEG, data)
                begin_s = time.perf_counter()
                self._trackers[index] = await assess(frame, self._trackers[index])
                times_s.append(time.perf_counter() - begin_s)

        await asyncio.gather(*(stream(index) for index in range(len(self._trackers))))
        p50, p95 = np.percentile(times_s, [50, 95]) * 1000
        return Turn(count / (time.perf_counter() - start_s), float(p50), float(p95))


async def _threads(workers: int, calls: _Calls) -> None:
    from facegauge_server.workers.frame_work import FrameWork

    settings = WorkSettings(load_student("default"), Limits(), scores=True, precision=PRECISION)
    own = threading.local()

    def work(frame: EncodedFrame, tracker: bytes) -> bytes:
        if not hasattr(own, "work"):
            own.work = FrameWork(settings, PRECISION)
        tracker_after: bytes = own.work.assess(frame, tracker, 720).tracker
        return tracker_after

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(workers) as executor:

        def assess(frame: EncodedFrame, tracker: bytes) -> Awaitable[bytes]:
            return loop.run_in_executor(executor, work, frame, tracker)

        async for count in _orders():
            _say(asdict(await calls.turn(assess, count)))


async def _processes(workers: int, calls: _Calls) -> None:
    settings = WorkSettings(load_student("default"), Limits(), scores=True, precision=PRECISION)
    async with FrameWorkers(workers, settings, 10.0) as pool:

        async def assess(frame: EncodedFrame, tracker: bytes) -> bytes:
            return (await pool.assess(frame, tracker, 720)).tracker

        async for count in _orders():
            if count:
                _say(asdict(await calls.turn(assess, count)))
            else:
                _say({"replacements": [asdict(await _kill_one(pool, workers)) for _ in range(KILLS)]})


async def _kill_one(pool: FrameWorkers, workers: int) -> Replacement:
    victim = pool.pids[0]
    before = set(pool.pids)
    start_s = time.perf_counter()
    os.kill(victim, signal.SIGKILL)
    while victim in pool.pids or pool.health.serving < workers:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)
    wall_s = time.perf_counter() - start_s
    (new,) = set(pool.pids) - before
    times = psutil.Process(new).cpu_times()
    return Replacement(wall_s, times.user + times.system)


async def _orders() -> AsyncIterator[int]:
    """Yield the number of frames of each turn; 0 asks for kills."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        verb, _, number = line.strip().partition(" ")
        if verb == "ready?":
            _say({})
        else:
            yield int(number) if verb == "work" else 0


def _say(figures: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the side that the arguments name."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    kind, workers, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with path.open("rb") as file:
        calls = _Calls(read_frames(file), STREAMS_A_WORKER * workers)
    asyncio.run((_threads if kind == THREADS else _processes)(workers, calls))


if __name__ == "__main__":
    main()
