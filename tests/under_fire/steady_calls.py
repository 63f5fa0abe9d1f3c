"""Calls that go on through everything, over the SDK as an application's would: what becomes of each frame."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from facegauge_client import Client, Delivery, FacegaugeError, FrameResult, MonitorStream
from tests.under_fire.slowdown import slowdown

__all__ = ["FRAMES_A_S", "SteadyCall"]

FRAMES_A_S = 2.0
RECONNECT_TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0


@dataclass(slots=True)
class SteadyCall:
    """One stream of frames, and which of them were answered."""

    name: str
    target: str
    delivery: Delivery
    sent_s: dict[int, float] = field(default_factory=dict)
    """When each frame was handed to the SDK, by its sequence."""
    answered: set[int] = field(default_factory=set)
    latencies_s: list[float] = field(default_factory=list)
    results: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    """Frames that gave way to a newer one, at the client or at the server, as the SDK counts them."""
    reconnects: int = 0
    error: str = ""
    """What ended the call against its will."""

    @property
    def unanswered(self) -> list[int]:
        """Sequences of the frames that no assessment names."""
        return [sequence for sequence in self.sent_s if sequence not in self.answered]

    async def play(self, frames: list[bytes], stop: asyncio.Event) -> None:
        """Send frames until told to stop, then wait for the last answers."""
        try:
            async with Client(self.target, connect_timeout_s=CONNECT_TIMEOUT_S) as client:
                stream = client.monitor(
                    self.name,
                    "chaos",
                    delivery=self.delivery,
                    reconnect_timeout_s=RECONNECT_TIMEOUT_S,
                    stall_timeout_s=RECONNECT_TIMEOUT_S,
                )
                async with stream:
                    reading = asyncio.create_task(self._read(stream))
                    try:
                        await self._send(stream, frames, stop)
                        await stream.finish()
                        await asyncio.wait_for(reading, ANSWER_TIMEOUT_S * slowdown())
                    finally:
                        reading.cancel()
                        self.replaced = stream.frames_dropped + stream.frames_dropped_by_server
                        self.reconnects = stream.reconnects
        except (FacegaugeError, TimeoutError) as error:
            self.error = f"{type(error).__name__}: {error}"

    async def _send(self, stream: MonitorStream, frames: list[bytes], stop: asyncio.Event) -> None:
        start_s = time.monotonic()
        sequence = 0
        while not stop.is_set():
            self.sent_s[sequence] = time.monotonic()
            await stream.send(
                frames[sequence % len(frames)], capture_time_s=sequence / FRAMES_A_S, sequence=sequence
            )
            sequence += 1
            wait_s = start_s + sequence / FRAMES_A_S - time.monotonic()
            try:
                await asyncio.wait_for(stop.wait(), max(0.0, wait_s))
            except TimeoutError:
                continue

    async def _read(self, stream: MonitorStream) -> None:
        async for assessment in stream:
            if assessment.sequence is None:
                self.results["stale"] += 1
                continue
            self.answered.add(assessment.sequence)
            self.latencies_s.append(time.monotonic() - self.sent_s[assessment.sequence])
            result = assessment.result or FrameResult.ERROR
            self.results[result.value] += 1
