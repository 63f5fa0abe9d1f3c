"""Run one connection of one stream: receive frames, score them in order, send the assessments, end well.

Knows nothing of protobuf: `rpc/service.py` gives it an iterator of frames and a way to send.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.config import Config
from facegauge_server.errors import BadFrame, ResponsesUnread, StreamIdle, TakenOver
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.connection import Ending
from facegauge_server.streams.frame_gate import LeftOut
from facegauge_server.streams.numbering import Numbering
from facegauge_server.streams.session_table import Opened
from facegauge_server.tracing.traces import UNTRACED, FrameTimes, TraceFrame
from facegauge_server.types import Assessment, EncodedFrame, FrameResult, FrameScore, Notice, NoticeKind

__all__ = ["Send", "StreamRunner"]

Send = Callable[[Message, bytes], Awaitable[None]]
"""Sends a message to the client, and with it a checkpoint, if there is one."""


IDLE_CHECKS = 20
"""Times within the idle timeout that a stream is checked for being idle while frames of it are held."""


class StreamRunner:
    """Runs one connection from its first frame to its summary."""

    def __init__(
        self,
        opened: Opened,
        pipeline: Pipeline,
        slots: WorkerSlots,
        config: Config,
        metrics: Metrics,
        trace: TraceFrame = UNTRACED,
    ) -> None:
        self._session = opened.session
        self._connection = opened.connection
        self._pipeline = pipeline
        self._slots = slots
        self._config = config
        self._metrics = metrics
        self._trace = trace
        self._numbering = Numbering()
        self._reported: set[LeftOut] = set()
        self._unanswered = 0
        self._active_s = time.monotonic()

    async def run(self, frames: AsyncIterator[EncodedFrame], send: Send) -> None:
        """Follow the stream until the client closes it, the server drains, or an error ends it.

        Raises StreamIdle, ResponsesUnread, TakenOver, and what `frames` and `send` raise.
        """
        receiver = asyncio.create_task(self._receive(frames))
        scorer = asyncio.create_task(self._score())
        sender = asyncio.create_task(self._send(send))
        tasks = (receiver, scorer, sender, asyncio.create_task(self._end_when_idle()))
        ended = self._connection.ended
        try:
            await _first([*tasks, ended])
            if ended.done() and ended.result() is Ending.TAKEN_OVER:
                raise TakenOver("another connection resumed the stream")
            receiver.cancel()
            self._close_inbox()
            await _all([scorer, sender])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._leave_out(FrameResult.DROPPED, self._unanswered)

    def _close_inbox(self) -> None:
        self._connection.inbox.close()

    def _is_busy(self) -> bool:
        """Whether frames are held or scored."""
        return self._unanswered > 0

    async def _receive(self, frames: AsyncIterator[EncodedFrame]) -> None:
        inbox = self._connection.inbox
        async for frame in frames:
            self._active_s = now_s = time.monotonic()
            captured = self._numbering.frames(frame.sequence)
            self._session.note_frame(frame, now_s, time.time(), captured)
            self._unanswered += 1
            left_out = inbox.put(frame, now_s)
            del frame  # the inbox has it: nothing else keeps its bytes until the next one comes
            if left_out is not None:
                self._note_left_out(left_out)
            await inbox.wait_for_room()

    async def _end_when_idle(self) -> None:
        """Raise StreamIdle once no frame has arrived for the idle timeout, none being held or scored."""
        timeout_s = self._config.idle_timeout_s
        while True:
            left_s = self._active_s + timeout_s - time.monotonic()
            if left_s <= 0 and not self._is_busy():
                raise StreamIdle(f"no frame arrived for {timeout_s:g} s (--idle-timeout)")
            await asyncio.sleep(max(left_s, timeout_s / IDLE_CHECKS))

    def _note_left_out(self, why: LeftOut) -> None:
        self._leave_out(FrameResult.SKIPPED if why is LeftOut.STEADY else FrameResult.DROPPED, 1)
        if why in (LeftOut.OVERLOAD, LeftOut.OVER_QUOTA):
            self._session.reporter.shed_frames(1)
        if why in (LeftOut.TOO_FAST, LeftOut.OVER_QUOTA):
            self._throttled(why)

    def _throttled(self, why: LeftOut) -> None:
        """Tell the client once that a limit leaves out frames."""
        if why in self._reported:
            return
        self._reported.add(why)
        text = f"more than {self._session.max_fps:g} frames per second: the surplus is dropped"
        if why is LeftOut.OVER_QUOTA:
            text = (
                f"the streams of tenant {self._session.tenant!r} send more than "
                f"{self._config.limits.max_tenant_fps:g} frames per second together (--max-tenant-fps): "
                "the surplus is dropped"
            )
        self._notify(NoticeKind.THROTTLED, text)

    def _notify(self, kind: NoticeKind, text: str) -> None:
        """Tell the client something, with a checkpoint of a live stream."""
        self._connection.outbox.put(Notice(kind, text), self._session.checkpoints.now(time.monotonic()))

    def _leave_out(self, result: FrameResult, count: int) -> None:
        self._unanswered -= count
        self._session.note_unscored(result, count)
        self._metrics.count_frames(result, count)

    async def _score(self) -> None:
        session, inbox, outbox = self._session, self._connection.inbox, self._connection.outbox
        while await inbox.wait_for_frame():
            await outbox.wait_for_room()
            async with self._slots.slot(session.flow) as turn:
                received = inbox.take(time.monotonic())  # the newest by now
                if received is None:
                    break
                taken_s = time.monotonic()
                score = await self._assess(received.frame)
                turn.cost_s = score.work_s
            now_s = time.monotonic()
            assessment = session.assess(score, now_s, received.frame.received_s)
            self._unanswered -= 1
            self._active_s = now_s
            outbox.put(assessment, session.checkpoints.due(now_s))
            inbox.scored(assessment.stream.raw_quality, score.capture_time_s)
            self._note_times(FrameTimes(received.ready_s, taken_s, now_s), score)
            del received
        self._sum_up()

    def _note_times(self, times: FrameTimes, score: FrameScore) -> None:
        """Observe how long a frame took in all, and tell of its way where it is traced."""
        self._metrics.observe_stage("total", times.done_s - times.ready_s, self._trace(times, score))

    def _sum_up(self) -> None:
        now_s = time.monotonic()
        drains = self._connection.ended.done()  # and another server goes on
        checkpoint = self._session.checkpoints.now(now_s) if drains else b""
        self._connection.outbox.put(self._session.summary(now_s), checkpoint)
        self._connection.outbox.close()

    async def _assess(self, frame: EncodedFrame) -> FrameScore:
        try:
            self._session.check_clock(frame)
        except BadFrame as error:
            self._metrics.count_frames(FrameResult.ERROR)
            return FrameScore(frame.sequence, frame.capture_time_s, FrameResult.ERROR, error=str(error))
        score = await self._pipeline.assess(
            frame, self._session.tracker, self._session.settings.display_lines
        )
        self._observe_faces(score)
        return score

    def _observe_faces(self, score: FrameScore) -> None:
        for face in score.faces:
            if face.raw_quality is not None:
                self._metrics.observe_quality(face.raw_quality)

    async def _send(self, send: Send) -> None:
        send_timeout_s, outbox = self._config.send_timeout_s, self._connection.outbox
        while (message := await outbox.get()) is not None:
            if isinstance(message, Assessment):
                self._session.note_sent(message, time.monotonic())
            try:
                async with asyncio.timeout(send_timeout_s):
                    await send(message, outbox.take_checkpoint())
            except TimeoutError:
                raise ResponsesUnread(
                    f"responses were left unread for {send_timeout_s:g} s (--send-timeout)"
                ) from None


async def _first(futures: Iterable[asyncio.Future[Any]]) -> None:
    """Wait for the first of the futures, raising the exception that it ended with, if any."""
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for future in done:
        future.result()


async def _all(futures: Iterable[asyncio.Future[Any]]) -> None:
    """Wait for all of the futures, raising the first exception that one of them ends with."""
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()
