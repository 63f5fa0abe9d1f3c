"""Streams that go on while replicas come and go: what a caller of the SDK sees of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from facegauge_client import Client, FacegaugeError, MonitorStream

__all__ = ["PlayedStream", "PlayedStreams"]

INTERVAL_S = 0.75
LIMIT_S = 60.0


@dataclass(slots=True)
class PlayedStream:
    """One stream, a picture every `INTERVAL_S`, and when its assessments came."""

    stream_id: str
    stream: MonitorStream
    answers: list[tuple[float, int, float]] = field(default_factory=list)
    """Monotonic time, the number of the connection, and the quality."""
    error: str = ""
    """What ended the stream against its will."""

    async def play(self, picture: bytes, phase_s: float, stop: asyncio.Event) -> None:
        """Send pictures until told to stop."""
        try:
            async with self.stream as stream:
                reading = asyncio.create_task(self._read())
                start_s = time.monotonic() + phase_s
                sequence = 0
                while not stop.is_set():
                    wait_s = start_s + sequence * INTERVAL_S - time.monotonic()
                    try:
                        await asyncio.wait_for(stop.wait(), max(0.0, wait_s))
                    except TimeoutError:
                        await stream.send(picture, capture_time_s=sequence * INTERVAL_S, sequence=sequence)
                        sequence += 1
                await stream.finish()
                await asyncio.wait_for(reading, LIMIT_S)
        except FacegaugeError as error:
            self.error = f"{type(error).__name__}: {error}"

    async def _read(self) -> None:
        async for assessment in self.stream:
            if assessment.quality is not None:
                self.answers.append((time.monotonic(), self.stream.reconnects, assessment.quality))

    @property
    def gaps_s(self) -> list[float]:
        """Time without an assessment around each hand-over, seconds."""
        pairs = zip(self.answers, self.answers[1:], strict=False)
        return [after[0] - before[0] for before, after in pairs if after[1] != before[1]]


class PlayedStreams:
    """Streams of one client, as a media server has them; an asynchronous context manager around the play."""

    def __init__(self, client: Client, picture: bytes, count: int) -> None:
        self.all = [
            PlayedStream(f"stream-{number}", client.monitor(f"stream-{number}", "fleet"))
            for number in range(count)
        ]
        self._picture = picture
        self._stop = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        for number, one in enumerate(self.all):
            phase_s = INTERVAL_S * number / len(self.all)
            group.create_task(one.play(self._picture, phase_s, self._stop))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        await self._stack.__aexit__(kind, error, trace)

    async def answered(self, streams: list[PlayedStream] | None = None, times: int = 1) -> None:
        """Wait until each of these streams has had so many more assessments on a connection that stands."""
        chosen = self.all if streams is None else streams
        due = {one.stream_id: len(one.answers) + times for one in chosen}
        async with asyncio.timeout(LIMIT_S):
            while any(not one.error and len(one.answers) < due[one.stream_id] for one in chosen):
                await asyncio.sleep(0.05)

    @property
    def errors(self) -> dict[str, str]:
        """What ended streams against their will."""
        return {one.stream_id: one.error for one in self.all if one.error}
