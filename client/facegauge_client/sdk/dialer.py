"""Open the connections of one stream: the first, and those that take the place of one that broke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from facegauge_client.sdk.backoff import backoff_delays_s
from facegauge_client.sdk.connection import Connection, OpenCall, StreamOptions
from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    Forbidden,
    QuotaExceeded,
    RequestRejected,
    ResponsesUnread,
    ServerFull,
    ServerUnavailable,
    StreamExists,
    StreamIdle,
    TokenUnavailable,
    Unauthenticated,
)
from facegauge_client.sdk.token import Metadata, TokenSource
from facegauge_client.sdk.types import Delivery

__all__ = ["Dialer"]

RECONNECT_TIMEOUT_S = 60.0
"""Default under LIVE; COMPLETE does not reconnect unless asked to."""
HELD_TIMEOUT_S = 10.0
"""How long a new stream waits for its id while the server holds it for a client whose connection broke."""
LONGEST_HELD_DELAY_S = 1.0
PASSING = (
    ServerUnavailable,
    ServerFull,
    QuotaExceeded,
    StreamExists,
    DeadlineExceeded,
    StreamIdle,
    ResponsesUnread,
    TokenUnavailable,
)
"""Failures that may be over at the next attempt."""


class Dialer:
    """Opens connections of one stream."""

    def __init__(self, open_call: OpenCall, target: str, options: StreamOptions, token: TokenSource) -> None:
        self._open_call = open_call
        self._options = options
        self._token = token
        self.target = target
        default_s = RECONNECT_TIMEOUT_S if options.delivery is Delivery.LIVE else 0.0
        timeout_s = options.reconnect_timeout_s
        self.reconnect_timeout_s = default_s if timeout_s is None else timeout_s

    async def first(self) -> Connection:
        """Open the stream, waiting for its id if the server holds it for the client that had it before."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + min(HELD_TIMEOUT_S, self.reconnect_timeout_s)
        for delay_s in backoff_delays_s(longest_s=LONGEST_HELD_DELAY_S):
            try:
                return await self._open("", self._options.checkpoint)
            except StreamExists as error:
                wait_s = error.retry_after_s
                if wait_s is None or loop.time() + max(wait_s, delay_s) > give_up_s:
                    raise
            await asyncio.sleep(delay_s)
        raise AssertionError("backoff has no end")

    async def again(self, resume_token: str, checkpoint: bytes = b"") -> Connection:
        """Open the stream again and go on with it: by its token where the server has it, else by checkpoint.

        A server that takes neither begins it anew.

        Raises what no further attempt would change, or ServerUnavailable once the reconnect timeout is over.
        """
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + self.reconnect_timeout_s
        for delay_s in backoff_delays_s():
            try:
                return await self._open(resume_token, checkpoint)
            except PASSING as error:
                failure: FacegaugeError = error
            except (Unauthenticated, Forbidden):
                raise
            except RequestRejected:
                if not (resume_token or checkpoint):
                    raise
                resume_token, checkpoint = "", b""
                continue
            if loop.time() + delay_s > give_up_s:
                raise ServerUnavailable(
                    f"the connection to {self.target} broke, and for {self.reconnect_timeout_s:g} s"
                    f" it could not be restored: {failure}"
                ) from failure
            await asyncio.sleep(delay_s)
        raise AssertionError("backoff has no end")

    async def _open(self, resume_token: str, checkpoint: bytes) -> Connection:
        def open_with(metadata: Metadata) -> Awaitable[Connection]:
            return Connection.open(
                self._open_call, self.target, self._options, resume_token, checkpoint, metadata
            )

        return await self._token.authorised(open_with)
