"""Score crops of all streams in batches: each caller awaits its own crops' scores.

The batcher is a synchronous core; around it stand the clock, the engine's threads and the futures. Everything
but the engine's call runs on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from facegauge_server.engines import Engine
from facegauge_server.engines.score import score_crops
from facegauge_server.metrics import Metrics
from facegauge_server.scoring.batcher import Batcher
from facegauge_server.types import Batch, CropScore, FaceCrop

__all__ = ["BatchScorer"]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A crop whose score somebody awaits."""

    score: asyncio.Future[CropScore]
    since_s: float
    is_counted: bool


class BatchScorer:
    """Scores crops in batches, at most one batch in each engine thread at a time."""

    def __init__(
        self,
        engine: Engine,
        batcher: Batcher,
        threads: int,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a scorer.

        Args:
            engine: that scores; closed by whoever made it.
            batcher: that forms the batches.
            threads: that may call the engine at the same time.
            metrics: that waits and batches are counted in.
            clock: monotonic time, seconds.
        """
        self._engine = engine
        self._batcher = batcher
        self._idle_threads = threads
        self._metrics = metrics
        self._clock = clock
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="score")
        self._waiting: dict[int, _Waiting] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def score(self, crops: Sequence[FaceCrop], *, is_counted: bool = True) -> list[CropScore]:
        """Return the score of each crop; cancelling takes back those not yet in the engine.

        Crops that are not counted share batches with the others, but are in no metric.
        """
        loop = asyncio.get_running_loop()
        now_s = self._clock()
        futures: list[asyncio.Future[CropScore]] = []
        tickets: list[int] = []
        for crop in crops:
            ticket = self._batcher.add(crop, now_s)
            future: asyncio.Future[CropScore] = loop.create_future()
            self._waiting[ticket] = _Waiting(future, now_s, is_counted)
            tickets.append(ticket)
            futures.append(future)
        self._pump()
        try:
            return list(await asyncio.gather(*futures))
        finally:
            self._batcher.discard(tickets)
            for ticket in tickets:
                self._waiting.pop(ticket, None)

    async def close(self) -> None:
        """Wait for the batches in the engine, then stop its threads."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*self._running)
        self._executor.shutdown()

    def _pump(self) -> None:
        """Hand batches to idle threads; come back when the oldest crop has waited long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle_threads:
            now_s = self._clock()
            batch = self._batcher.take(now_s)
            if batch is None:
                deadline_s = self._batcher.deadline_s
                if deadline_s is not None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(max(0.0, deadline_s - now_s), self._pump)
                return
            self._idle_threads -= 1
            task = asyncio.create_task(self._run(batch, now_s))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, batch: Batch, now_s: float) -> None:
        waiting = [self._waiting.get(ticket) for ticket in batch.tickets]
        counted = [one for one in waiting if one is not None and one.is_counted]
        for one in counted:
            self._metrics.observe_stage("engine_wait", now_s - one.since_s)
        try:
            loop = asyncio.get_running_loop()
            scores = await loop.run_in_executor(self._executor, self._score, batch, len(counted))
        except Exception as error:  # noqa: BLE001 - raised for every crop's owner, none of whom runs here
            self._settle(batch, error)
        else:
            self._settle(batch, scores)
        finally:
            self._idle_threads += 1
            self._pump()

    def _score(self, batch: Batch, counted: int) -> list[CropScore]:
        start_s = time.perf_counter()
        scores = score_crops(batch.pixels, self._engine)
        if counted:
            self._metrics.observe_stage("score", time.perf_counter() - start_s)
            self._metrics.observe_batch(counted)
        return scores

    def _settle(self, batch: Batch, outcome: list[CropScore] | Exception) -> None:
        for index, ticket in enumerate(batch.tickets):
            waiting = self._waiting.get(ticket)
            if waiting is None or waiting.score.done():
                continue  # Its stream is gone.
            if isinstance(outcome, Exception):
                waiting.score.set_exception(outcome)
            else:
                waiting.score.set_result(outcome[index])
