"""Files played to a server, each as one stream."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facegauge_client.playback.video import Source, TimedFrame, open_source
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.errors import FacegaugeError
from facegauge_client.sdk.frames import Picture
from facegauge_client.sdk.stream import MonitorStream
from facegauge_client.sdk.types import Assessment, Delivery, FrameResult, Summary

__all__ = ["FrameObserver", "Playback", "ReplayOptions", "name_streams", "replay"]

LONGEST_PAUSE_S = 5.0
"""A longer gap between two frames is not waited for: the server would end the stream as idle."""
HISTORY = 240
RATE_OVER_FRAMES = 20
MAX_ID_CHARS = 128


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How files are played."""

    fps: float | None = 5.0
    """Frames a second taken from a video; None: all."""
    speed: float | None = 1.0
    """Times real time; None: as fast as the server takes the frames."""
    call_id: str = ""
    display_lines: int = 0
    parallel: int = 32
    """Files that play at once at most."""


class FrameObserver(Protocol):
    """Is told of every frame of one playback."""

    def sent(self, picture: Picture, capture_time_s: float) -> None:
        """A frame is on its way."""

    def answered(self, assessment: Assessment) -> None:
        """The server has said something."""


class Playback:
    """One file on its way: what has come back so far, and how it ended."""

    def __init__(self, path: Path, stream_id: str) -> None:
        self.path = path
        self.observer: FrameObserver | None = None
        self.model = ""
        self.stream_id = stream_id
        self.source: Source | None = None
        self.started = False
        self.ended = False
        self.error: str | None = None
        self.summary: Summary | None = None
        self.latest: Assessment | None = None
        self.results: Counter[FrameResult] = Counter()
        self.qualities: deque[float | None] = deque(maxlen=HISTORY)
        self.min_quality: float | None = None
        self.frames_sent = 0
        self.frames_unsendable = 0
        self.position_s = 0.0
        self._first_s: float | None = None
        self._answers_s: deque[float] = deque(maxlen=RATE_OVER_FRAMES)

    @property
    def fps(self) -> float:
        """Frames answered a second of late."""
        span_s = self._answers_s[-1] - self._answers_s[0] if self._answers_s else 0.0
        return (len(self._answers_s) - 1) / span_s if span_s else 0.0

    @property
    def fraction(self) -> float | None:
        """How much has played, 0-1; None while the duration is not known."""
        if self.ended:
            return 1.0
        duration_s = self.source.duration_s if self.source else None
        return min(self.position_s / duration_s, 1.0) if duration_s else None

    @property
    def broken(self) -> int:
        """Packets and pictures of the file that could not be read."""
        return (self.source.broken if self.source else 0) + self.frames_unsendable

    def note(self, assessment: Assessment) -> None:
        """Take in what the server says of a frame."""
        self.latest = assessment
        if assessment.sequence is not None:
            self.results[assessment.result] += 1
        self.qualities.append(assessment.quality)
        self._answers_s.append(time.monotonic())
        if assessment.quality is not None:
            lowest = 1.0 if self.min_quality is None else self.min_quality
            self.min_quality = min(assessment.quality, lowest)
        if self.observer is not None:
            self.observer.answered(assessment)

    async def play(
        self, client: Client, options: ReplayOptions, on_assessment: Callable[[Assessment], None]
    ) -> None:
        """Play the file to its end; an error is kept in `error`."""
        self.started = True
        monitor = client.monitor(
            self.stream_id,
            options.call_id,
            delivery=Delivery.COMPLETE,
            display_lines=options.display_lines,
        )
        try:
            self.source = await asyncio.to_thread(open_source, self.path, options.fps)
            async with monitor as stream, asyncio.TaskGroup() as tasks:
                self.model = stream.accepted.model
                tasks.create_task(self._read(stream, on_assessment))
                tasks.create_task(self._send(stream, options.speed))
        except* FacegaugeError as group:
            self.error = str(_first(group))
        finally:
            self.summary = monitor.summary
            self.frames_sent = monitor.frames_sent
            self.ended = True

    async def _read(self, stream: MonitorStream, on_assessment: Callable[[Assessment], None]) -> None:
        async for assessment in stream:
            self.note(assessment)
            on_assessment(assessment)

    async def _send(self, stream: MonitorStream, speed: float | None) -> None:
        assert self.source is not None  # noqa: S101 - opened before the stream
        frames = self.source.frames()
        pacer = _Pacer(speed)
        while (frame := await asyncio.to_thread(next, frames, None)) is not None:
            await pacer.wait_for(frame.capture_time_s)
            await self._send_one(stream, frame)
        await stream.finish()

    async def _send_one(self, stream: MonitorStream, frame: TimedFrame) -> None:
        self._first_s = frame.capture_time_s if self._first_s is None else self._first_s
        self.position_s = frame.capture_time_s - self._first_s
        if self.observer is not None:
            self.observer.sent(frame.picture, frame.capture_time_s)
        try:
            await stream.send(frame.picture, capture_time_s=frame.capture_time_s)
        except ValueError:
            self.frames_unsendable += 1
        self.frames_sent = stream.frames_sent


class _Pacer:
    """Holds frames back until their capture time has come, at a multiple of real time."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._due_s: float | None = None
        self._last_capture_s = 0.0

    async def wait_for(self, capture_time_s: float) -> None:
        if self._speed is None:
            return
        now_s = asyncio.get_running_loop().time()
        if self._due_s is None:
            self._due_s = now_s
        else:
            gap_s = (capture_time_s - self._last_capture_s) / self._speed
            self._due_s += min(gap_s, LONGEST_PAUSE_S)
        self._last_capture_s = capture_time_s
        await asyncio.sleep(self._due_s - now_s)


async def replay(
    client: Client,
    playbacks: Sequence[Playback],
    options: ReplayOptions,
    on_assessment: Callable[[Assessment], None],
) -> None:
    """Play all files, so many at once; raises ServerUnavailable before the first where no server answers.

    What goes wrong with a single file is kept in its playback, and the others go on.
    """
    await client.list_streams(limit=1)
    room = asyncio.Semaphore(options.parallel)

    async def play(playback: Playback) -> None:
        async with room:
            await playback.play(client, options, on_assessment)

    async with asyncio.TaskGroup() as tasks:
        for playback in playbacks:
            tasks.create_task(play(playback))


def name_streams(paths: Sequence[Path], prefix: str = "") -> list[Playback]:
    """Name each file's stream after it: by its name, or by its whole path where two share a name."""
    names = Counter(path.name for path in paths)
    taken: Counter[str] = Counter()
    playbacks = []
    for path in paths:
        name = path.name if path.name and names[path.name] == 1 else str(path)
        name = "".join(character if character.isprintable() else "?" for character in prefix + name)
        taken[name] += 1
        suffix = f"#{taken[name]}" if taken[name] > 1 else ""
        playbacks.append(Playback(path, name[-(MAX_ID_CHARS - len(suffix)) :] + suffix))
    return playbacks


def _first(group: BaseExceptionGroup[FacegaugeError]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
