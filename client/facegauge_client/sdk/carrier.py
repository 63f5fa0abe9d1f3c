"""Carry one stream's frames and responses over one connection after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from facegauge_client.sdk import proto_codec
from facegauge_client.sdk.connection import Connection, StreamOptions
from facegauge_client.sdk.dialer import Dialer
from facegauge_client.sdk.errors import FacegaugeError, ResponsesUnread, ServerUnavailable, StreamIdle
from facegauge_client.sdk.mailbox import Mailbox
from facegauge_client.sdk.tally import Outgoing, Tally
from facegauge_client.sdk.types import Accepted, Assessment, Delivery, Notice, NoticeKind, Summary

__all__ = ["Carrier"]

NOTICES_KEPT = 32


class Carrier:
    """The stream's two mailboxes, the connection between them, and what the server has said so far."""

    def __init__(
        self, dialer: Dialer, options: StreamOptions, on_notice: Callable[[Notice], None] | None = None
    ) -> None:
        self._dialer = dialer
        self._on_notice = on_notice
        self._is_live = options.delivery is Delivery.LIVE
        self._connection: Connection | None = None
        self.frames: Mailbox[Outgoing] = Mailbox(options.mailbox_frames)
        self.assessments: Mailbox[Assessment] = Mailbox(options.unread_assessments)
        self.tally = Tally(keep_unanswered=not self._is_live and dialer.reconnect_timeout_s > 0)
        self.error: FacegaugeError | None = None
        """What ended the stream, where it did not end by itself."""
        self.is_draining = False
        self.accepted = Accepted()
        self.checkpoint = options.checkpoint
        """The newest one."""
        self.summary: Summary | None = None
        self.latest: Assessment | None = None
        self.notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self.reconnects = 0
        self.restarts = 0
        self.frames_dropped_by_server = 0

    @property
    def is_connected(self) -> bool:
        """Whether the server has accepted the stream on a connection that still carries it."""
        return self._connection is not None and not self._connection.ended

    async def open(self) -> None:
        """Open the first connection."""
        self._use(await self._dialer.first())

    async def run(self) -> None:
        """Carry frames and responses until the stream ends, and leave both mailboxes closed."""
        try:
            while True:
                assert self._connection is not None  # noqa: S101 - `open` comes first
                broken = await self._connection.carry(self.frames, self._take, self.tally)
                if not self._may_reconnect(broken):
                    self.error = broken if self.summary is None or not self.frames.closed else None
                    break
                await self._reconnect(broken)
        except FacegaugeError as error:
            self.error = error
        finally:
            self.frames.close()
            self.assessments.close()

    def cancel(self) -> None:
        """Break the connection off."""
        if self._connection is not None:
            self._connection.cancel()

    def _use(self, connection: Connection) -> None:
        self._connection = connection
        self.accepted = connection.accepted
        self.is_draining = False

    async def _take(self, response: proto_codec.Response | None, checkpoint: bytes) -> None:
        if checkpoint:
            self.checkpoint = checkpoint
            self.tally.checkpointed(response.sequence if isinstance(response, Assessment) else None)
        match response:
            case Assessment():
                self.latest = response
                if not self.tally.answered(response.sequence):
                    return  # of a frame that was sent again, for the server to know of it
                self.frames_dropped_by_server += response.frames_dropped
                if self._is_live:
                    self.assessments.offer(response)
                else:
                    await self.assessments.put(response)
            case Notice():
                self.notices.append(response)
                self.is_draining = self.is_draining or response.kind is NoticeKind.DRAINING
                if self._on_notice is not None:
                    self._on_notice(response)
            case Summary():
                self.summary = response

    def _may_reconnect(self, broken: FacegaugeError | None) -> bool:
        if self._dialer.reconnect_timeout_s <= 0:
            return False
        is_handed_on = broken is None and self.is_draining
        if self._is_live:
            is_passing = isinstance(broken, ServerUnavailable | StreamIdle | ResponsesUnread)
            return not self.frames.closed and (is_handed_on or is_passing)
        is_open = not self.frames.closed or self.tally.has_unanswered or len(self.frames) > 0
        return (is_handed_on and is_open) or isinstance(broken, ServerUnavailable)

    async def _reconnect(self, broken: FacegaugeError | None) -> None:
        if isinstance(broken, StreamIdle):
            await self.frames.wait_readable()  # a camera that is off needs no connection
        token = self.accepted.resume_token if broken is not None else ""  # who has summed up has forgotten
        self._use(await self._dialer.again(token, self.checkpoint))
        self.reconnects += 1
        if self.accepted.resumed:
            self.frames.put_back(self.tally.take_resent(self.accepted.resumed_after_sequence))
        else:
            self.restarts += 1
            self.checkpoint = b""
            self.frames.put_back(self.tally.take_unanswered())
