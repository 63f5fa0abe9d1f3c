"""One connection of one stream: receive frames, score them in order, send what came of it, end well.

Knows nothing of protobuf: `service.py` gives it an iterator of frames and a way to send.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from facegauge_server.admission import Turns
from facegauge_server.config import Config
from facegauge_server.errors import BadFrame
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.streams.adaptive_sampler import SteadySampler
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.session_table import Connection, Session
from facegauge_server.types import (
    Delivery,
    EncodedFrame,
    FrameResult,
    FrameScore,
    Notice,
    NoticeKind,
)

__all__ = ["IdleStreamError", "StreamRunner", "StuckClientError", "TakenOverError"]

THROTTLE_BURST_S = 0.1
"""How far ahead of its allowed rate a live stream may get before frames are dropped."""


class IdleStreamError(Exception):
    """No frame came within the idle timeout."""


class StuckClientError(Exception):
    """The client has not read its responses within the send timeout."""


class TakenOverError(Exception):
    """Another connection showed the stream's resume token."""


class StreamRunner:
    """Runs one connection from its first frame to its summary."""

    def __init__(
        self,
        session: Session,
        connection: Connection,
        pipeline: Pipeline,
        turns: Turns,
        config: Config,
        metrics: Metrics,
    ) -> None:
        self._session = session
        self._connection = connection
        self._pipeline = pipeline
        self._turns = turns
        self._config = config
        self._metrics = metrics
        self._sampler = SteadySampler(session.min_fps)
        self._ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.on_drain = self._finish
        connection.on_taken_over = self._give_way

    async def run(
        self, frames: AsyncIterator[EncodedFrame], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Follow the stream until the client closes it, the server drains, or something ends it.

        Raises IdleStreamError, StuckClientError, TakenOverError, and what `frames` raises.
        """
        receiver = asyncio.create_task(self._receive(frames))
        scorer = asyncio.create_task(self._score())
        sender = asyncio.create_task(self._send(send))
        tasks = (receiver, scorer, sender)
        try:
            await self._until_ended({receiver, scorer, sender, self._ending})
            receiver.cancel()
            await self._connection.inbox.close()
            await self._until_ended({scorer, sender}, everything=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ending.cancel()

    async def _until_ended(self, waited_for: set[asyncio.Future[None]], *, everything: bool = False) -> None:
        """Wait for the first of the futures, or for all, raising the first exception that any ends with."""
        when = asyncio.FIRST_EXCEPTION if everything else asyncio.FIRST_COMPLETED
        done, _ = await asyncio.wait(waited_for, return_when=when)
        for future in done:
            future.result()

    async def _receive(self, frames: AsyncIterator[EncodedFrame]) -> None:
        max_fps = self._session.max_fps
        throttle = _Throttle(max_fps)
        told_throttled = False
        while True:
            try:
                async with asyncio.timeout(self._config.idle_timeout_s):
                    frame = await anext(frames, None)
            except TimeoutError:
                raise IdleStreamError from None
            if frame is None:
                return
            now_s = time.monotonic()
            self._session.note_frame(now_s, time.time())
            if not self._sampler.wants(frame):
                self._leave_out(FrameResult.SKIPPED, 1)
                continue
            wait_s = throttle.wait_s(now_s)
            if wait_s > 0 and self._session.settings.delivery is Delivery.LIVE:
                self._leave_out(FrameResult.DROPPED, 1)
                if not told_throttled:
                    told_throttled = True
                    text = f"more than {max_fps:g} frames a second: the surplus is dropped"
                    self._connection.outbox.put(Notice(NoticeKind.THROTTLED, text))
                continue
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            throttle.take(now_s + wait_s)
            self._sampler.taken(frame)
            self._leave_out(FrameResult.DROPPED, await self._connection.inbox.put(frame, now_s))

    def _leave_out(self, result: FrameResult, count: int) -> None:
        self._session.note_unscored(result, count)
        self._metrics.count_frames(result, count)

    async def _score(self) -> None:
        session, outbox = self._session, self._connection.outbox
        inbox = self._connection.inbox
        while await inbox.has_frame():
            await outbox.wait_for_room()
            async with self._turns.turn():
                received = await inbox.get()  # the newest there is by now
                if received is None:
                    break
                frame, received_s = received
                score = await self._assess(frame)
            now_s = time.monotonic()
            outbox.put(session.assess(score, now_s))
            self._metrics.observe_stage("total", now_s - received_s)
        outbox.put(session.summary(time.monotonic()))
        outbox.close()

    async def _assess(self, frame: EncodedFrame) -> FrameScore:
        try:
            self._session.check_clock(frame)
        except BadFrame as error:
            self._metrics.count_frames(FrameResult.ERROR)
            return FrameScore(frame.sequence, frame.capture_time_s, FrameResult.ERROR, error=str(error))
        score = await self._pipeline.assess(
            frame, self._session.tracker, self._session.settings.display_lines
        )
        raw_qualities = [face.raw_quality for face in score.faces if face.raw_quality is not None]
        for raw_quality in raw_qualities:
            self._metrics.observe_quality(raw_quality)
        self._sampler.scored(raw_qualities[0] if raw_qualities else None, frame.capture_time_s)
        return score

    async def _send(self, send: Callable[[Message], Awaitable[None]]) -> None:
        while (message := await self._connection.outbox.get()) is not None:
            try:
                async with asyncio.timeout(self._config.send_timeout_s):
                    await send(message)
            except TimeoutError:
                raise StuckClientError from None

    def _finish(self) -> None:
        if not self._ending.done():
            self._ending.set_result(None)

    def _give_way(self) -> None:
        if not self._ending.done():
            self._ending.set_exception(TakenOverError())


class _Throttle:
    """Lets a stream's frames through at its agreed rate, on the server's clock."""

    def __init__(self, max_fps: float) -> None:
        self._max_fps = max_fps
        self._next_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until another frame may pass; 0 when it may now."""
        if not self._max_fps:
            return 0.0
        wait_s = self._next_s - THROTTLE_BURST_S - now_s
        return max(0.0, wait_s)

    def take(self, now_s: float) -> None:
        """A frame passes at `now_s`."""
        if self._max_fps:
            self._next_s = max(self._next_s, now_s) + 1 / self._max_fps
