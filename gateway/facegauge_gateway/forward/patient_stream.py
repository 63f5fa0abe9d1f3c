"""A stream that is opened again for as long as frames come: for senders who cannot be told of a failure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import suppress

from facegauge_client import FacegaugeError, Picture
from facegauge_gateway.forward.monitored_stream import MonitoredStream
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics

__all__ = ["PatientStream"]

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0


class PatientStream:
    """Runs one MonitoredStream after the other; frames that come in between are counted as dropped."""

    def __init__(self, make: Callable[[], MonitoredStream], metrics: Metrics, **log_values: str) -> None:
        """Prepare it; `make` makes the next attempt."""
        self._make = make
        self._metrics = metrics
        self._log = Log(**log_values)
        self._now: MonitoredStream | None = None
        self._over = asyncio.Event()
        self._unsent = 0
        self._gone = metrics.frames.track(lambda: {"dropped": self._unsent})
        self._running = asyncio.create_task(self._run())

    def send(self, frame: Picture, capture_time_s: float) -> None:
        """Send a picture or a unit where the server takes it; never waits."""
        if self._now is None:
            self._unsent += 1
        else:
            self._now.send(frame, capture_time_s)

    async def close(self) -> None:
        """Finish the stream and wait for its summary."""
        self._over.set()
        await self._running
        self._gone()

    async def _run(self) -> None:
        for delay_s in _delays_s():
            try:
                async with self._make() as self._now:
                    await _first_set(self._over, self._now.ended)
            except FacegaugeError as error:
                self._metrics.count_failure(error)
                self._log.warning("stream not opened", reason=str(error), retry_in_s=round(delay_s, 2))
            finally:
                self._now = None
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._over.wait()
            if self._over.is_set():
                return


def _delays_s() -> Iterator[float]:
    delay_s = FIRST_DELAY_S
    while True:
        yield delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)


async def _first_set(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
