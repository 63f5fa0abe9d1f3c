"""One monitored stream: frames out, assessments in, over as many connections as it takes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Self, TypeVar

from facegauge_client.sdk import proto_codec
from facegauge_client.sdk.backoff import backoff_delays_s
from facegauge_client.sdk.connection import Connection, OpenCall, Outgoing, StreamOptions, Tally
from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    Forbidden,
    QuotaExceeded,
    RequestRejected,
    ResponsesUnread,
    ServerFull,
    ServerUnavailable,
    StreamClosed,
    StreamExists,
    StreamIdle,
    StreamStalled,
    TokenUnavailable,
    Unauthenticated,
)
from facegauge_client.sdk.frames import Picture, encode
from facegauge_client.sdk.mailbox import Mailbox, MailboxClosed
from facegauge_client.sdk.token import Metadata, TokenSource
from facegauge_client.sdk.types import Accepted, Assessment, Delivery, Notice, NoticeKind, Summary

__all__ = ["MonitorStream"]

T = TypeVar("T")
_NOTICES_KEPT = 32
_RECONNECT_TIMEOUT_S = 60.0
_HELD_TIMEOUT_S = 10.0
"""How long a new stream waits for its id while the server holds it for a client whose connection broke."""
_LONGEST_HELD_DELAY_S = 1.0


class MonitorStream:
    """An asynchronous context manager that takes frames and iterates over assessments.

    LIVE never waits: `send` puts the frame into a mailbox where the newest wins (`frames_dropped` counts the
    others), assessments that nobody reads make room for newer ones (`assessments_dropped`), and a connection
    that breaks is resumed with its smoothing. COMPLETE waits on both sides and drops nothing, so frames and
    assessments need a task each; a connection that breaks is an error, unless a `reconnect_timeout_s` is set:
    then a server that kept the stream resumes it, and one that was restarted gets the frames again that
    nobody has answered (their sequence numbers must differ).

    Iteration ends with the stream: after `finish()`, or when the server drains and no other takes over.
    """

    def __init__(self, open_call: OpenCall, target: str, options: StreamOptions, token: TokenSource) -> None:
        self._open_call = open_call
        self._target = target
        self._options = options
        self._token = token
        self._frames: Mailbox[Outgoing] = Mailbox(options.mailbox_frames)
        self._assessments: Mailbox[Assessment] = Mailbox(options.unread_assessments)
        self._carrier: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._error: FacegaugeError | None = None
        self._draining = False
        self._next_sequence = 0
        is_live = options.delivery is Delivery.LIVE
        timeout_s = options.reconnect_timeout_s
        self._reconnect_timeout_s = (
            (_RECONNECT_TIMEOUT_S if is_live else 0.0) if timeout_s is None else timeout_s
        )
        self.accepted = Accepted()
        """Configuration that the server granted on the present connection."""
        self.summary: Summary | None = None
        """The whole stream, once it has ended; after a server change, of the part since."""
        self.latest: Assessment | None = None
        """The newest assessment, read or not."""
        self.notices: deque[Notice] = deque(maxlen=_NOTICES_KEPT)
        """The newest notices."""
        self.reconnects = 0
        """Connections after the first."""
        self.restarts = 0
        """Connections, among these, on which the stream began anew: with new smoothing and a new summary."""
        self.frames_dropped_by_server = 0
        self._tally = Tally(keep_unanswered=not is_live and self._reconnect_timeout_s > 0)

    @property
    def connected(self) -> bool:
        """Whether the server has accepted the stream on a connection that still carries it."""
        return self._connection is not None and not self._connection.ended

    @property
    def frames_sent(self) -> int:
        """Frames handed to the connection."""
        return self._tally.sent

    @property
    def frames_dropped(self) -> int:
        """Frames that never left: a newer one came before their turn, or the connection broke."""
        return self._frames.dropped + self._tally.lost

    @property
    def assessments_dropped(self) -> int:
        """Assessments that nobody read in time."""
        return self._assessments.dropped

    async def __aenter__(self) -> Self:
        self._connection = await self._begin()
        self._carrier = asyncio.create_task(self._carry_on(), name=f"facegauge {self._options.stream_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._assessments.relax()
        if kind is None:
            await self.finish()
            await self._unless_stalled(self._ended(), "the server does not end the stream")
        await self._stop()
        if kind is None and self._error is not None:
            raise self._error

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
        self._frames.close()

    def __aiter__(self) -> AsyncIterator[Assessment]:
        return self

    async def __anext__(self) -> Assessment:
        try:
            return await self._assessments.get()
        except MailboxClosed:
            if self._error is not None:
                raise self._error from None
            raise StopAsyncIteration from None

    # Frames going in

    def _prepare(self, picture: Picture, capture_time_s: float | None, sequence: int | None) -> Outgoing:
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
            self._frames.offer(item)
        except MailboxClosed:
            raise self._closed_error() from None

    async def _put(self, item: Outgoing) -> None:
        try:
            await self._frames.put(item)
        except MailboxClosed:
            raise self._closed_error() from None

    def _closed_error(self) -> FacegaugeError:
        if self._error is not None:
            return self._error
        if self._draining:
            return ServerUnavailable(
                f"the server at {self._target} is shutting down and has ended the stream; open one on another"
            )
        return StreamClosed("the stream has ended and takes no more frames; open a new one")

    # Connections

    async def _begin(self) -> Connection:
        """Open the stream, waiting for its id if the server holds it for the client that had it before."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + min(_HELD_TIMEOUT_S, self._reconnect_timeout_s)
        for delay_s in backoff_delays_s(longest_s=_LONGEST_HELD_DELAY_S):
            try:
                return await self._connect("")
            except StreamExists as error:
                if error.retry_after_s is None or loop.time() + max(error.retry_after_s, delay_s) > give_up:
                    raise
            await asyncio.sleep(delay_s)
        raise AssertionError("backoff has no end")

    async def _connect(self, resume_token: str) -> Connection:
        def open_with(metadata: Metadata) -> Awaitable[Connection]:
            return Connection.open(self._open_call, self._target, self._options, resume_token, metadata)

        connection = await self._token.authorised(open_with)
        self.accepted = connection.accepted
        self._draining = False
        return connection

    async def _carry_on(self) -> None:
        """Carry frames and answers until the stream ends, and leave both mailboxes closed."""
        try:
            while True:
                assert self._connection is not None  # noqa: S101 - opened on entering
                broken = await self._connection.carry(self._frames, self._take, self._tally)
                if not self._may_reconnect(broken):
                    self._error = broken if self.summary is None or not self._frames.closed else None
                    break
                self._connection = await self._reconnect(broken)
                self.reconnects += 1
                if not self.accepted.resumed:
                    self.restarts += 1
                    self._frames.put_back(self._tally.take_unanswered())
        except FacegaugeError as error:
            self._error = error
        finally:
            self._frames.close()
            self._assessments.close()

    async def _take(self, response: proto_codec.Response | None) -> None:
        match response:
            case Assessment():
                self.latest = response
                self._tally.answered(response.sequence)
                self.frames_dropped_by_server += response.frames_dropped
                if self._options.delivery is Delivery.LIVE:
                    self._assessments.offer(response)
                else:
                    await self._assessments.put(response)
            case Notice():
                self.notices.append(response)
                self._draining = self._draining or response.kind is NoticeKind.DRAINING
            case Summary():
                self.summary = response

    # Reconnection

    def _may_reconnect(self, broken: FacegaugeError | None) -> bool:
        if self._reconnect_timeout_s <= 0:
            return False
        is_handed_on = broken is None and self._draining
        if self._options.delivery is Delivery.LIVE:
            is_open = not self._frames.closed
            return is_open and (
                is_handed_on or isinstance(broken, ServerUnavailable | StreamIdle | ResponsesUnread)
            )
        is_open = not self._frames.closed or self._tally.has_unanswered or len(self._frames) > 0
        return (is_handed_on and is_open) or isinstance(broken, ServerUnavailable)

    async def _reconnect(self, broken: FacegaugeError | None) -> Connection:
        """Open the stream again, taking the old one over where the server still has it."""
        if isinstance(broken, StreamIdle):
            await self._frames.wait_readable()  # a camera that is off needs no connection
        token = self.accepted.resume_token if broken is not None else ""
        give_up = asyncio.get_running_loop().time() + self._reconnect_timeout_s
        for delay_s in backoff_delays_s():
            try:
                return await self._connect(token)
            except (
                *(ServerUnavailable, ServerFull, QuotaExceeded, StreamExists),
                *(DeadlineExceeded, StreamIdle, ResponsesUnread, TokenUnavailable),
            ) as error:
                failure: FacegaugeError = error
            except (Unauthenticated, Forbidden):
                raise
            except RequestRejected:
                if not token:
                    raise
                token = ""  # the server has forgotten the stream: begin it anew
                continue
            if asyncio.get_running_loop().time() + delay_s > give_up:
                raise ServerUnavailable(
                    f"the connection to {self._target} broke, and for {self._reconnect_timeout_s:g} s"
                    f" it could not be restored: {failure}"
                ) from failure
            await asyncio.sleep(delay_s)
        raise AssertionError("backoff has no end")

    # The end

    async def _ended(self) -> None:
        if self._carrier is not None:
            await asyncio.wait([self._carrier])

    async def _stop(self) -> None:
        if self._carrier is not None:
            self._carrier.cancel()
            await asyncio.gather(self._carrier, return_exceptions=True)
        if self._connection is not None:
            self._connection.cancel()

    async def _unless_stalled(self, work: Awaitable[T], why: str) -> T:
        """Wait for `work` as long as frames or assessments still move, or a connection is being restored."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                before = (self.frames_sent, self.latest, self.reconnects)
                done, _ = await asyncio.wait([task], timeout=self._options.stall_timeout_s)
                if done:
                    return task.result()
                if self.connected and before == (self.frames_sent, self.latest, self.reconnects):
                    raise StreamStalled(f"no progress for {self._options.stall_timeout_s:g} s: {why}")
        finally:
            task.cancel()
