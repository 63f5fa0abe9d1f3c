"""The two ends of a stream inside the server: frames that wait to be scored, messages that wait to be sent.

Both are bounded and belong to one event loop. Under LIVE delivery they replace what is old, under COMPLETE
they make the other side wait. An inbox has one writer and one reader.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.streams.frame_gate import FrameGate, LeftOut, ReceivedFrame
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.types import Assessment, Delivery, EncodedFrame, Notice, StreamSummary

__all__ = ["COMPLETE_CAPACITY", "CompleteInbox", "Inbox", "LiveInbox", "Message", "Outbox", "create_inbox"]

Message = Assessment | Notice | StreamSummary

COMPLETE_CAPACITY = 4
"""Frames or assessments of one stream that wait under COMPLETE delivery before the other side must."""


class Inbox(Protocol):
    """Frames of one stream on their way to the pipeline. `now_s` is the server's monotonic clock."""

    async def wait_for_room(self) -> None:
        """Wait until another frame may be put."""

    def put(self, frame: EncodedFrame, now_s: float) -> LeftOut | None:
        """Add a frame; says why another one was left out for it, if one was."""

    async def wait_for_frame(self) -> bool:
        """Wait until a frame may be scored; False once the inbox is closed and empty."""

    def take(self, now_s: float) -> ReceivedFrame | None:
        """Hand out the next frame; None when there is none."""

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a frame's main face, 0-1, or that it had none."""

    def close(self) -> None:
        """Accept no more frames; those that wait are handed out without further delay."""


class LiveInbox:
    """Room for the newest frame, which a `FrameGate` holds until it may be scored."""

    def __init__(self, gate: FrameGate, clock: Callable[[], float] = time.monotonic) -> None:
        self._gate = gate
        self._clock = clock
        self._changed = asyncio.Event()
        self._closed = False

    async def wait_for_room(self) -> None:
        """Return at once: a newer frame replaces the one that waits."""

    def put(self, frame: EncodedFrame, now_s: float) -> LeftOut | None:
        """Hold a frame; says why the one that was held is left out, if there was one."""
        self._changed.set()
        return self._gate.put(frame, now_s)

    async def wait_for_frame(self) -> bool:
        """Wait until the newest frame may be scored; False once the inbox is closed and empty."""
        while True:
            ready_s, now_s = self._gate.ready_s, self._clock()
            if self._closed:
                return ready_s is not None
            if ready_s is not None and ready_s <= now_s:
                return True
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if ready_s is None else ready_s - now_s):
                    await self._changed.wait()

    def take(self, now_s: float) -> ReceivedFrame | None:
        """Hand out the newest frame."""
        return self._gate.take(now_s)

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a frame's main face, 0-1, or that it had none."""
        self._gate.scored(raw_quality, capture_time_s)

    def close(self) -> None:
        """Accept no more frames; the one that is held is handed out at once."""
        self._closed = True
        self._changed.set()


class CompleteInbox:
    """A short queue from which nothing is dropped.

    The writer waits for room and for the stream's rate limit, a frame for the limit on its tenant.
    """

    def __init__(
        self,
        rate_limit: RateLimit,
        clock: Callable[[], float] = time.monotonic,
        tenant_limit: RateLimit | None = None,
    ) -> None:
        self._rate_limit = rate_limit
        self._tenant_limit = tenant_limit or RateLimit(0)
        self._clock = clock
        self._frames: deque[ReceivedFrame] = deque()
        self._frame = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = asyncio.Event()

    async def wait_for_room(self) -> None:
        """Wait until the queue has room and the rate limit lets another frame pass."""
        await self._room.wait()
        wait_s = self._rate_limit.ready_s - self._clock()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def put(self, frame: EncodedFrame, now_s: float) -> None:
        """Add a frame; the caller has waited for room."""
        self._rate_limit.take(now_s)
        self._frames.append(ReceivedFrame(frame, self._tenant_limit.reserve(now_s)))
        self._frame.set()
        if len(self._frames) >= COMPLETE_CAPACITY:
            self._room.clear()

    async def wait_for_frame(self) -> bool:
        """Wait until the oldest frame may be scored; False once the inbox is closed and empty."""
        if not self._frames and not self._closed.is_set():
            self._frame.clear()
            await self._frame.wait()
        if not self._frames:
            return False
        wait_s = self._frames[0].ready_s - self._clock()
        if wait_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._closed.wait()
        return True

    def take(self, now_s: float) -> ReceivedFrame | None:  # noqa: ARG002 - the gate of a live stream needs it
        """Hand out the oldest frame; None when there is none."""
        if not self._frames:
            return None
        received = self._frames.popleft()
        self._room.set()
        return received

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Do nothing: under COMPLETE delivery every frame is scored."""

    def close(self) -> None:
        """Accept no more frames; those that wait are handed out without further delay."""
        self._closed.set()
        self._frame.set()


def create_inbox(
    delivery: Delivery, *, max_fps: float, min_fps: float, tenant_limit: RateLimit | None = None
) -> Inbox:
    """Make the inbox of a stream; a rate of 0 sets no limit, see `RateLimit` and `AdaptiveSampler`."""
    rate_limit = RateLimit(max_fps)
    if delivery is Delivery.COMPLETE:
        return CompleteInbox(rate_limit, tenant_limit=tenant_limit)
    return LiveInbox(FrameGate(rate_limit, AdaptiveSampler(min_fps), tenant_limit))


class Outbox:
    """Messages of one stream on their way to the client.

    Under LIVE delivery an assessment that was not sent yet gives way to the next one, which takes over its
    counts of frames that were left out. Notices and the summary always stay.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._coalesces = delivery is Delivery.LIVE
        self._messages: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self._checkpoint = b""

    def put(self, message: Message, checkpoint: bytes = b"") -> None:
        """Add a message, without waiting; a checkpoint goes out with the next one that does."""
        self._checkpoint = checkpoint or self._checkpoint
        if self._coalesces and isinstance(message, Assessment):
            message = self._merge(message)
        self._messages.append(message)
        self._changed.set()
        if len(self._messages) >= COMPLETE_CAPACITY:
            self._room.clear()

    async def wait_for_room(self) -> None:
        """Under COMPLETE delivery, wait until the client has read some of the messages."""
        if not self._coalesces:
            await self._room.wait()

    async def get(self) -> Message | None:
        """Wait for the oldest message; None once the outbox is closed and empty."""
        while not self._messages:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        message = self._messages.popleft()
        if len(self._messages) < COMPLETE_CAPACITY:
            self._room.set()
        return message

    def take_checkpoint(self) -> bytes:
        """Return the newest checkpoint that has not gone out; empty where there is none."""
        checkpoint, self._checkpoint = self._checkpoint, b""
        return checkpoint

    def close(self) -> None:
        """Let `get` return None once all is sent."""
        self._closed = True
        self._room.set()
        self._changed.set()

    def _merge(self, newest: Assessment) -> Assessment:
        """Remove the assessment that waits, if any, and return the newest with its counts added."""
        for waiting in self._messages:
            if isinstance(waiting, Assessment):
                self._messages.remove(waiting)
                return replace(
                    newest,
                    frames_dropped=newest.frames_dropped + waiting.frames_dropped,
                    frames_skipped=newest.frames_skipped + waiting.frames_skipped,
                    frames_not_decoded=newest.frames_not_decoded + waiting.frames_not_decoded,
                )
        return newest
