"""One monitored stream: frames out, assessments in, over as many connections as it takes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

import av

from facegauge_client.sdk.carrier import Carrier
from facegauge_client.sdk.connection import OpenCall, StreamOptions
from facegauge_client.sdk.dialer import Dialer
from facegauge_client.sdk.errors import FacegaugeError, ServerUnavailable, StreamClosed, StreamStalled
from facegauge_client.sdk.frames import Picture, encode
from facegauge_client.sdk.mailbox import MailboxClosed
from facegauge_client.sdk.packets import PacketReader, capture_time_of
from facegauge_client.sdk.tally import Outgoing
from facegauge_client.sdk.token import TokenSource
from facegauge_client.sdk.types import Accepted, Assessment, Delivery, Notice, Summary

__all__ = ["MonitorStream"]

T = TypeVar("T")


class MonitorStream:
    """An asynchronous context manager that takes frames and iterates over assessments.

    LIVE never waits: `send` puts the frame into a mailbox where the newest wins (`frames_dropped` counts the
    others), assessments that nobody reads make room for newer ones (`assessments_dropped`), and a connection
    that breaks is resumed with its smoothing. COMPLETE waits on both sides and drops nothing, so frames and
    assessments need a task each; a connection that breaks is an error, unless a `reconnect_timeout_s` is set:
    then the server, or another one, goes on with the stream and gets the frames again that it does not know
    of (their sequence numbers must differ).

    The server's checkpoints let any server of the same operator go on with the stream; see `checkpoint`.

    Iteration ends with the stream: after `finish()`, or when the server drains and no other takes over.
    """

    def __init__(
        self,
        open_call: OpenCall,
        target: str,
        options: StreamOptions,
        token: TokenSource,
        on_notice: Callable[[Notice], None] | None = None,
    ) -> None:
        self._options = options
        self._target = target
        self._carrier = Carrier(Dialer(open_call, target, options, token), options, on_notice)
        self._carrying: asyncio.Task[None] | None = None
        self._next_sequence = 0
        self._packets = PacketReader()

    @property
    def connected(self) -> bool:
        """Whether the server has accepted the stream on a connection that still carries it."""
        return self._carrier.is_connected

    @property
    def accepted(self) -> Accepted:
        """Configuration that the server granted on the present connection."""
        return self._carrier.accepted

    @property
    def checkpoint(self) -> bytes:
        """What the server knows of the stream, sealed; empty before the first, some seconds after the start.

        It is presented unasked on every reconnection. Another process goes on with the stream by it, within
        minutes: `client.monitor(..., checkpoint=...)`.
        """
        return self._carrier.checkpoint

    @property
    def latest(self) -> Assessment | None:
        """The newest assessment, read or not."""
        return self._carrier.latest

    @property
    def notices(self) -> deque[Notice]:
        """The newest notices, oldest first."""
        return self._carrier.notices

    @property
    def summary(self) -> Summary | None:
        """The whole stream, once it has ended; after a restart, its part since then."""
        return self._carrier.summary

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return self._carrier.reconnects

    @property
    def restarts(self) -> int:
        """Connections, among these, on which the stream began anew: with new smoothing and a new summary."""
        return self._carrier.restarts

    @property
    def frames_sent(self) -> int:
        """Frames handed to the connection."""
        return self._carrier.tally.sent

    @property
    def frames_dropped(self) -> int:
        """Frames that never left: a newer one came before their turn, or the connection broke."""
        return self._carrier.frames.dropped + self._carrier.tally.lost

    @property
    def frames_dropped_by_server(self) -> int:
        """Frames that the server says it has left out for newer ones."""
        return self._carrier.frames_dropped_by_server

    @property
    def assessments_dropped(self) -> int:
        """Assessments that nobody read in time."""
        return self._carrier.assessments.dropped

    async def __aenter__(self) -> Self:
        await self._carrier.open()
        self._carrying = asyncio.create_task(self._carrier.run(), name=f"facegauge {self._options.stream_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._carrier.assessments.relax()
        try:
            if kind is None:
                await self.finish()
                await self._unless_stalled(self._ended(), "the server does not end the stream")
        finally:
            await self._stop()
        if kind is None and self._carrier.error is not None:
            raise self._carrier.error

    async def send(
        self, picture: Picture, *, capture_time_s: float | None = None, sequence: int | None = None
    ) -> int:
        """Send one frame; return the sequence number under which its assessment comes back.

        `capture_time_s` is on any clock that never goes back; left out, a PyAV frame's own time or the
        monotonic clock. LIVE returns at once. COMPLETE waits until the server has room, and raises
        StreamStalled after `stall_timeout_s` without any progress. Raises TypeError or ValueError for what is
        no picture, StreamClosed or the error that ended the stream where it has ended.
        """
        item = self._prepare(picture, capture_time_s, sequence)
        if self._options.delivery is Delivery.LIVE:
            self._offer(item)
        else:
            why = (
                "the server takes no frames, or its assessments are not being read (use a task of their own)"
            )
            await self._unless_stalled(self._put(item), why)
        return item.sequence

    def send_nowait(
        self, picture: Picture, *, capture_time_s: float | None = None, sequence: int | None = None
    ) -> int:
        """Send one frame without waiting, as `send` does under LIVE; RuntimeError under COMPLETE."""
        if self._options.delivery is not Delivery.LIVE:
            raise RuntimeError("a complete stream may have to wait: use send()")
        item = self._prepare(picture, capture_time_s, sequence)
        self._offer(item)
        return item.sequence

    async def finish(self) -> None:
        """Close the stream for frames; those under way are still scored, then iteration ends."""
        self._carrier.frames.close()

    def __aiter__(self) -> AsyncIterator[Assessment]:
        return self

    async def __anext__(self) -> Assessment:
        try:
            return await self._carrier.assessments.get()
        except MailboxClosed:
            if self._carrier.error is not None:
                raise self._carrier.error from None
            raise StopAsyncIteration from None

    # Frames going in

    def _prepare(self, picture: Picture, capture_time_s: float | None, sequence: int | None) -> Outgoing:
        if isinstance(picture, av.Packet) and self._options.is_coded:
            frame = self._packets.read(picture)
            capture_time_s = capture_time_of(picture) if capture_time_s is None else capture_time_s
        else:
            frame = encode(picture)
        limit = self.accepted.max_message_bytes
        if limit and len(frame.data) > limit:
            raise ValueError(
                f"a frame of {len(frame.data)} bytes is over the server's limit of {limit}:"
                " send it smaller, or as JPEG"
            )
        if capture_time_s is None:
            capture_time_s = getattr(picture, "time", None)
        if capture_time_s is None:
            capture_time_s = time.monotonic()
        if sequence is None:
            sequence = self._next_sequence
        self._next_sequence = (sequence + 1) % 2**32
        return Outgoing(sequence, capture_time_s, frame)

    def _offer(self, item: Outgoing) -> None:
        try:
            self._carrier.frames.offer(item)
        except MailboxClosed:
            raise self._closed_error() from None

    async def _put(self, item: Outgoing) -> None:
        try:
            await self._carrier.frames.put(item)
        except MailboxClosed:
            raise self._closed_error() from None

    def _closed_error(self) -> FacegaugeError:
        if self._carrier.error is not None:
            return self._carrier.error
        if self._carrier.is_draining:
            return ServerUnavailable(
                f"the server at {self._target} is shutting down and has ended the stream; open one on another"
            )
        return StreamClosed("the stream has ended and takes no more frames; open a new one")

    # The end

    async def _ended(self) -> None:
        if self._carrying is not None:
            await asyncio.wait([self._carrying])

    async def _stop(self) -> None:
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.gather(self._carrying, return_exceptions=True)
        self._carrier.cancel()

    async def _unless_stalled(self, work: Awaitable[T], why: str) -> T:
        """Wait for `work` as long as frames or assessments still move, or a connection is being restored."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                before = self._progress()
                done, _ = await asyncio.wait([task], timeout=self._options.stall_timeout_s)
                if done:
                    return task.result()
                if self.connected and before == self._progress():
                    raise StreamStalled(f"no progress for {self._options.stall_timeout_s:g} s: {why}")
        finally:
            task.cancel()

    def _progress(self) -> tuple[object, ...]:
        return self.frames_sent, self.latest, self.reconnects
