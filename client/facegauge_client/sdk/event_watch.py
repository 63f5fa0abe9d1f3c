"""Watch a server's events over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc.aio

from facegauge_client.sdk import proto_codec
from facegauge_client.sdk.backoff import backoff_delays_s
from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    ServerFull,
    ServerUnavailable,
    TokenUnavailable,
)
from facegauge_client.sdk.failures import explained
from facegauge_client.sdk.token import Metadata, TokenSource
from facegauge_client.sdk.types import Event, EventKind, EventPosition, EventsMissed

__all__ = ["EventWatch"]

PASSING = (ServerUnavailable, ServerFull, DeadlineExceeded, TokenUnavailable)
"""Failures that may be over at the next attempt."""


@dataclass(frozen=True, slots=True)
class EventWatch:
    """What to watch, and how."""

    open_call: Callable[..., Any]
    """Function that starts a WatchEvents call on a channel that is connected; takes request and metadata."""
    connected: Callable[[], Any]
    """Waits for the channel's connection."""
    target: str
    token: TokenSource
    call_id: str
    kinds: Collection[EventKind]
    reconnect_timeout_s: float

    async def run(self, after: EventPosition | None) -> AsyncGenerator[Event | EventsMissed, None]:
        """Yield events after a place, or from now on; see `Client.watch_events`."""
        place = after
        has_begun = False
        loop = asyncio.get_running_loop()
        lost_s, delays_s = 0.0, backoff_delays_s()
        while True:
            try:
                async with aclosing(self._over_one_connection(place)) as responses:
                    async for told, told_until in responses:
                        if lost_s or not has_begun:
                            has_begun, lost_s, delays_s = True, 0.0, backoff_delays_s()
                        for one in told:
                            yield one
                        place = told_until
                failure: FacegaugeError = ServerUnavailable(f"the server at {self.target} has shut down")
            except PASSING as error:
                if not has_begun:
                    raise
                failure = error
            lost_s = lost_s or loop.time()
            delay_s = next(delays_s)
            if loop.time() + delay_s > lost_s + self.reconnect_timeout_s:
                raise ServerUnavailable(
                    f"the watch of events at {self.target} broke off, and for {self.reconnect_timeout_s:g} s"
                    f" it could not be restored: {failure}"
                ) from failure
            await asyncio.sleep(delay_s)

    async def _over_one_connection(
        self, after: EventPosition | None
    ) -> AsyncGenerator[tuple[list[Event | EventsMissed], EventPosition], None]:
        """Yield what each response tells, and where to go on after it, until the server ends the call."""
        request = proto_codec.watch_events_request(call_id=self.call_id, kinds=self.kinds, after=after)

        async def begin(metadata: Metadata) -> tuple[Any, Any]:
            call = self.open_call(request, metadata=metadata)
            async with explained(self.target):
                return call, await call.read()

        await self.connected()
        call, message = await self.token.authorised(begin)
        try:
            async with explained(self.target):
                while message is not grpc.aio.EOF:
                    yield proto_codec.read_events(message)
                    message = await call.read()
        finally:
            call.cancel()
