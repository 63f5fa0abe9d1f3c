"""Answers as server-sent events, for browsers: `new EventSource("/answers?stream_id=alice")`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from aiohttp import web

from facegauge_gateway.answers.hub import AnswerHub, Subscription, TooManySubscribers
from facegauge_gateway.http.refusals import full
from facegauge_gateway.http.server_sent import send_stream, sse_message

__all__ = ["send_events"]


async def send_events(request: web.Request, hub: AnswerHub, stream_id: str | None) -> web.StreamResponse:
    """Send answers of one stream, or of all, until the reader leaves or the gateway stops."""
    try:
        async with hub.subscribe(stream_id) as answers:
            return await send_stream(request, _messages(answers))
    except TooManySubscribers as error:
        raise full(str(error)) from error


async def _messages(answers: Subscription) -> AsyncGenerator[bytes]:
    async for answer in answers:
        yield sse_message(answer.event, answer.line)
