"""The two ends of a stream inside the server: frames that wait to be scored, messages that wait to be sent.

Both are bounded and belong to one event loop. Under LIVE delivery they replace what is old, under COMPLETE
they make the other side wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

from facegauge_server.types import Assessment, Delivery, EncodedFrame, Notice, StreamSummary

__all__ = ["Inbox", "Message", "Outbox", "ReceivedFrame"]

Message = Assessment | Notice | StreamSummary

COMPLETE_CAPACITY = 4
"""Frames or assessments of one stream that wait under COMPLETE delivery before the other side must."""

ReceivedFrame = tuple[EncodedFrame, float]
"""A frame and the server's monotonic time at which it came, seconds."""


class Inbox:
    """Frames of one stream on their way to the pipeline."""

    def __init__(self, delivery: Delivery) -> None:
        self._capacity = 1 if delivery is Delivery.LIVE else COMPLETE_CAPACITY
        self._replaces = delivery is Delivery.LIVE
        self._frames: deque[ReceivedFrame] = deque()
        self._changed = asyncio.Condition()
        self._closed = False

    async def put(self, frame: EncodedFrame, now_s: float) -> int:
        """Add a frame and return how many were dropped for it; waits for room under COMPLETE delivery."""
        async with self._changed:
            dropped = 0
            if self._replaces:
                while len(self._frames) >= self._capacity:
                    self._frames.popleft()
                    dropped += 1
            else:
                await self._changed.wait_for(lambda: len(self._frames) < self._capacity or self._closed)
            if self._closed:
                return dropped + 1
            self._frames.append((frame, now_s))
            self._changed.notify_all()
            return dropped

    async def has_frame(self) -> bool:
        """Wait for a frame without taking it; False once the inbox is closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._closed)
            return bool(self._frames)

    async def get(self) -> ReceivedFrame | None:
        """Wait for the oldest frame; None once the inbox is closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._closed)
            frame = self._frames.popleft() if self._frames else None
            self._changed.notify_all()
            return frame

    async def close(self) -> None:
        """Take no more frames; those that wait are still handed out."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()


class Outbox:
    """Messages of one stream on their way to the client.

    Under LIVE delivery an assessment that was not sent yet gives way to the next one, which takes over its
    counts of dropped and skipped frames. Notices and the summary always stay.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._coalesces = delivery is Delivery.LIVE
        self._messages: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    def put(self, message: Message) -> None:
        """Add a message, without waiting."""
        if self._coalesces and isinstance(message, Assessment):
            message = self._merge(message)
        self._messages.append(message)
        self._changed.set()
        if len(self._messages) >= COMPLETE_CAPACITY:
            self._room.clear()

    async def wait_for_room(self) -> None:
        """Under COMPLETE delivery, wait until the client has taken some of the messages."""
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

    def close(self) -> None:
        """Let `get` return None once all is sent."""
        self._closed = True
        self._room.set()
        self._changed.set()

    def _merge(self, newest: Assessment) -> Assessment:
        """Take back the assessment that waits, if any, and return the newest with its drops added."""
        for waiting in self._messages:
            if isinstance(waiting, Assessment):
                self._messages.remove(waiting)
                return replace(
                    newest,
                    frames_dropped=newest.frames_dropped + waiting.frames_dropped,
                    frames_skipped=newest.frames_skipped + waiting.frames_skipped,
                )
        return newest
