"""A stream that is opened again for as long as frames come: for senders who cannot be told of a failure."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from facegauge_client import EncodedFrame, FacegaugeError
from facegauge_gateway.forward.monitored_stream import MonitoredStream
from facegauge_gateway.forward.retry_delays import RetryDelays
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics

__all__ = ["PatientStream"]

MAX_WAITING = 64
"""Units that wait while a stream is opened: two seconds of a call, and what the SDK holds."""


class PatientStream:
    """Runs one MonitoredStream after the other, in a task of its own.

    Units that come before the server has taken the stream wait, since the first of them is its keyframe.
    Where more come than may wait, all of them are dropped, and the next one says that something is missing.
    """

    def __init__(self, make: Callable[[], MonitoredStream], metrics: Metrics, log: Log) -> None:
        """Begin; `make` makes each attempt."""
        self._make = make
        self._metrics = metrics
        self._log = log
        self._open: MonitoredStream | None = None
        self._over = asyncio.Event()
        self._waiting: deque[tuple[EncodedFrame, float]] = deque()
        self._dropped = 0
        self._gone = metrics.frames.track(lambda: {"dropped": self._dropped})
        self._running = asyncio.create_task(self._run())

    def send(self, unit: EncodedFrame, capture_time_s: float) -> None:
        """Send a unit, at once or when the stream is open; never waits."""
        if self._open is not None and not self._open.ended.is_set():
            self._open.send(unit, capture_time_s)
            return
        if len(self._waiting) >= MAX_WAITING:
            self._drop_waiting()
            unit = dataclasses.replace(unit, discontinuity=True)
        self._waiting.append((unit, capture_time_s))

    async def close(self) -> None:
        """Finish the stream, and wait for its summary where the server has taken it."""
        self._over.set()
        await self._running
        self._drop_waiting()
        self._gone()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        delays = RetryDelays()
        while not self._over.is_set():
            begun_s = loop.time()
            await self._attempt()
            with suppress(TimeoutError):
                async with asyncio.timeout(delays.after(loop.time() - begun_s)):
                    await self._over.wait()

    async def _attempt(self) -> None:
        """Open the stream, and keep it until it ends; raises nothing."""
        try:
            async with self._make() as opened:
                self._begin(opened)
                await _first_set(self._over, opened.ended)
        except FacegaugeError as error:
            self._metrics.count_failure(error)
            self._log.warning("stream not opened", reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next attempt may do without our defect
            self._metrics.count_failure(error)
            self._log.defect("stream failed", error)
        finally:
            self._open = None

    def _begin(self, opened: MonitoredStream) -> None:
        """Send what has waited."""
        self._open = opened
        while self._waiting:
            opened.send(*self._waiting.popleft())

    def _drop_waiting(self) -> None:
        self._dropped += len(self._waiting)
        self._waiting.clear()


async def _first_set(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
