"""One file played to a server as one stream."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facegauge_client.playback.cause_tally import CauseTally
from facegauge_client.playback.pacer import Pacer
from facegauge_client.playback.video import Source, TimedFrame, open_source
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.errors import FacegaugeError
from facegauge_client.sdk.frames import Picture
from facegauge_client.sdk.stream import MonitorStream
from facegauge_client.sdk.types import Assessment, Delivery, FrameResult, Summary

__all__ = ["FrameObserver", "Playback", "ReplayOptions"]

HISTORY = 240
RATE_OVER_FRAMES = 20


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Settings of a replay."""

    fps: float | None = 5.0
    """Frames per second to take from a video; None: all."""
    speed: float | None = 1.0
    """Multiple of real time; None: as fast as the server takes the frames."""
    coded: bool = False
    """Whether a video's packets are sent as they are; the server decodes all and scores `fps` of them."""
    call_id: str = ""
    display_lines: int = 0
    parallel: int = 32
    """Maximum number of files that play at a time."""
    reconnect_timeout_s: float = 60.0
    """How long a broken connection is retried where `speed` is given."""


class FrameObserver(Protocol):
    """Receives the frames of one playback and their assessments."""

    def sent(self, picture: Picture, capture_time_s: float) -> None:
        """Note that a frame is being sent."""

    def answered(self, assessment: Assessment) -> None:
        """Take in an assessment."""


class Playback:
    """One file as a stream: its assessments so far, and how it ended."""

    def __init__(self, path: Path, stream_id: str, observer: FrameObserver | None = None) -> None:
        self.path = path
        self._observer = observer
        self.model = ""
        self.stream_id = stream_id
        self.source: Source | None = None
        self.started = False
        self.ended = False
        self.error: str | None = None
        self.summary: Summary | None = None
        self.latest: Assessment | None = None
        self.causes = CauseTally()
        self.results: Counter[FrameResult] = Counter()
        self.qualities: deque[float | None] = deque(maxlen=HISTORY)
        self.min_quality: float | None = None
        self.frames_sent = 0
        self.frames_unsendable = 0
        self.position_s = 0.0
        self.reconnects = 0
        self.restarts = 0
        """Reconnections after which the server scored on without the stream's past, as after its restart."""
        self._first_s: float | None = None
        self._answers_s: deque[float] = deque(maxlen=RATE_OVER_FRAMES)

    @property
    def fps(self) -> float:
        """Recent assessments per second."""
        span_s = self._answers_s[-1] - self._answers_s[0] if self._answers_s else 0.0
        return (len(self._answers_s) - 1) / span_s if span_s else 0.0

    @property
    def fraction(self) -> float | None:
        """Share of the file that has played, 0-1; None while the duration is not known."""
        if self.ended:
            return 1.0
        duration_s = self.source.duration_s if self.source else None
        return min(self.position_s / duration_s, 1.0) if duration_s else None

    @property
    def broken(self) -> int:
        """Packets and pictures of the file that could not be read."""
        return (self.source.broken if self.source else 0) + self.frames_unsendable

    def note(self, assessment: Assessment) -> None:
        """Take in an assessment."""
        self.latest = assessment
        if assessment.sequence is not None:
            self.results[assessment.result] += 1
        self.qualities.append(assessment.quality)
        if assessment.capture_time_s is not None:
            self.causes.add(assessment, assessment.capture_time_s)
        self._answers_s.append(time.monotonic())
        if assessment.quality is not None:
            lowest = 1.0 if self.min_quality is None else self.min_quality
            self.min_quality = min(assessment.quality, lowest)
        if self._observer is not None:
            self._observer.answered(assessment)

    async def play(
        self, client: Client, options: ReplayOptions, on_assessment: Callable[[Assessment], None]
    ) -> None:
        """Play the file to its end; an error is kept in `error`.

        At a given speed, a broken connection is restored as a call's would be, and a restarted server gets
        the frames without an answer again. Without one it is an error: such a run is made for its scores, and
        those after a server's restart would differ.
        """
        self.started = True
        monitor: MonitorStream | None = None
        try:
            self.source = await asyncio.to_thread(open_source, self.path, options.fps, coded=options.coded)
            monitor = self._monitor(client, options, self.source)
            async with monitor as stream, asyncio.TaskGroup() as tasks:
                self.model = stream.accepted.model
                tasks.create_task(self._read(stream, on_assessment))
                tasks.create_task(self._send(stream, options.speed))
        except* FacegaugeError as group:
            self.error = str(_first(group))
        finally:
            if monitor is not None:
                self.summary = monitor.summary
                self.frames_sent = monitor.frames_sent
                self.reconnects, self.restarts = monitor.reconnects, monitor.restarts
            self.ended = True

    def _monitor(self, client: Client, options: ReplayOptions, source: Source) -> MonitorStream:
        """Make the stream that the file plays as.

        Coded video is sent whole, so what is scored is chosen there; a connection that broke took units of it
        along, so it is not resumed.
        """
        is_coded = source.encoding is not None
        return client.monitor(
            self.stream_id,
            options.call_id,
            delivery=Delivery.COMPLETE,
            max_fps=(options.fps or 0.0) if is_coded else 0.0,
            display_lines=options.display_lines,
            reconnect_timeout_s=0.0 if options.speed is None or is_coded else options.reconnect_timeout_s,
            encoding=source.encoding,
        )

    async def _read(self, stream: MonitorStream, on_assessment: Callable[[Assessment], None]) -> None:
        async for assessment in stream:
            self.note(assessment)
            on_assessment(assessment)

    async def _send(self, stream: MonitorStream, speed: float | None) -> None:
        assert self.source is not None  # noqa: S101 - opened before the stream
        frames = self.source.frames()
        pacer = Pacer(speed)
        while (frame := await asyncio.to_thread(next, frames, None)) is not None:
            await pacer.wait_for(frame.capture_time_s)
            await self._send_one(stream, frame)
        await stream.finish()

    async def _send_one(self, stream: MonitorStream, frame: TimedFrame) -> None:
        self._first_s = frame.capture_time_s if self._first_s is None else self._first_s
        self.position_s = frame.capture_time_s - self._first_s
        if self._observer is not None:
            self._observer.sent(frame.picture, frame.capture_time_s)
        try:
            await stream.send(frame.picture, capture_time_s=frame.capture_time_s)
        except ValueError:
            self.frames_unsendable += 1
        self.frames_sent = stream.frames_sent


def _first(group: BaseExceptionGroup[FacegaugeError]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
