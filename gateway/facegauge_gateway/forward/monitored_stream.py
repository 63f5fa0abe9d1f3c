"""One stream at the server, from whichever door its frames come."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from facegauge_client import (
    Client,
    Decode,
    EncodedFrame,
    FacegaugeError,
    FrameEncoding,
    MonitorStream,
    Notice,
    NoticeKind,
    Picture,
    StreamClosed,
)
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics

__all__ = ["MonitoredStream", "StreamSettings"]

FINISH_TIMEOUT_S = 8.0
"""Longest wait for the summary of a stream that ends; within the grace of the gateway's own end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What the server is told of a stream; see `facegauge_client.Client.monitor`."""

    stream_id: str
    call_id: str = ""
    encoding: FrameEncoding | None = None
    """Of coded video; None for pictures. A unit of another encoding may follow, from a keyframe on."""
    max_fps: float = 2.0
    min_fps: float = 0.0
    display_lines: int = 0
    decode: Decode = Decode.AUTO
    batch_interval_s: float = 0.1
    """Units that come within this time travel in one message."""


class MonitoredStream:
    """Sends frames to the server and publishes its answers; an asynchronous context manager.

    Entering it opens the stream, and raises the SDK's error where the server does not take it. A connection
    that breaks later is restored for as long as it takes; what cannot go on ends it: `ended` is set, and
    `error` says why. Leaving it finishes the stream and publishes its summary.
    """

    def __init__(
        self,
        client: Client,
        settings: StreamSettings,
        hub: AnswerHub,
        metrics: Metrics,
        on_keyframe_needed: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare the stream.

        Args:
            client: connection to the server.
            settings: of the stream.
            hub: gets the answers.
            metrics: count frames and failures.
            on_keyframe_needed: called when the sender must be asked for a keyframe.
        """
        self.settings = settings
        self.ended = asyncio.Event()
        self.error: FacegaugeError | None = None
        self._hub = hub
        self._metrics = metrics
        self._on_keyframe_needed = on_keyframe_needed
        self._log = Log(stream_id=settings.stream_id, call_id=settings.call_id)
        self._refused = 0
        self._has_gap = False
        self._reading: asyncio.Task[None] | None = None
        self._stream: MonitorStream = client.monitor(
            settings.stream_id,
            settings.call_id,
            max_fps=settings.max_fps,
            min_fps=settings.min_fps,
            display_lines=settings.display_lines,
            encoding=settings.encoding,
            decode=settings.decode,
            batch_interval_s=settings.batch_interval_s,
            reconnect_timeout_s=math.inf,
            on_notice=self._take_notice,
        )

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        self._gone = (
            self._metrics.frames.track(self._frames),
            self._metrics.reconnects.track(self._reconnects),
        )
        self._metrics.streams.inc()
        self._reading = asyncio.create_task(self._read(), name=f"answers {self.settings.stream_id}")
        self._log.info("stream opened", encoding=str(self.settings.encoding or "pictures"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._finish()
        finally:
            self._metrics.streams.dec()
            for gone in self._gone:
                gone()

    def send(self, frame: Picture, capture_time_s: float) -> None:
        """Send a picture or a unit; never waits, and raises nothing for what the server cannot take.

        `capture_time_s` is on any clock that does not go back.
        """
        if self.ended.is_set():
            self._refused += 1
            return
        if self._has_gap and isinstance(frame, EncodedFrame):
            frame = dataclasses.replace(frame, discontinuity=True)
        try:
            self._stream.send_nowait(frame, capture_time_s=capture_time_s)
            self._has_gap = False
        except (ValueError, FacegaugeError) as failure:
            if not self._has_gap:
                self._log.warning("a frame cannot be sent", reason=str(failure))
            self._refused += 1
            self._has_gap = True

    # Answers

    async def _read(self) -> None:
        try:
            async for assessment in self._stream:
                self._hub.publish(self.settings.stream_id, assessment, self.settings.call_id)
        except FacegaugeError as error:
            self.error = error
            self._metrics.count_failure(error)
            self._log.warning("stream failed", reason=str(error))
        finally:
            self.ended.set()

    def _take_notice(self, notice: Notice) -> None:
        if notice.kind is NoticeKind.KEYFRAME_NEEDED:
            self._metrics.keyframes_needed.inc()
            self._on_keyframe_needed()
        else:
            self._log.info("notice of the server", kind=str(notice.kind), text=notice.text)

    # The end

    async def _finish(self) -> None:
        """Let the server finish what it has; break off where it is not there, or takes too long."""
        stream = self._stream
        with contextlib.suppress(FacegaugeError, TimeoutError):
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                if stream.connected:
                    await stream.__aexit__(None, None, None)
                else:
                    await stream.__aexit__(StreamClosed, None, None)
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        summary = stream.summary
        if summary is not None:
            self._hub.publish(self.settings.stream_id, summary, self.settings.call_id)
        self._log.info("stream ended", frames_sent=stream.frames_sent, has_summary=summary is not None)

    # Counts

    def _frames(self) -> dict[str, float]:
        stream = self._stream
        return {"sent": stream.frames_sent, "dropped": stream.frames_dropped + self._refused}

    def _reconnects(self) -> dict[str, float]:
        stream = self._stream
        return {"resumed": stream.reconnects - stream.restarts, "restarted": stream.restarts}
