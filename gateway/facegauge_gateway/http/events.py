"""Answers as server-sent events, for browsers: `new EventSource("/answers?stream_id=alice")`."""

from __future__ import annotations

import asyncio

from aiohttp import web

from facegauge_gateway.answers.hub import AnswerHub, TooManySubscribers
from facegauge_gateway.http.refusals import full

__all__ = ["send_events"]

HEARTBEAT_S = 15.0
"""A comment after so much silence shows that the connection is alive, to both sides."""
WRITE_TIMEOUT_S = 30.0
"""A reader who takes nothing for so long is let go."""
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back
}


async def send_events(request: web.Request, hub: AnswerHub, stream_id: str | None) -> web.StreamResponse:
    """Send answers of one stream, or of all, until the reader leaves or the gateway stops."""
    response = web.StreamResponse(headers=HEADERS)
    try:
        async with hub.subscribe(stream_id) as answers:
            await response.prepare(request)
            await _write(response, ": answers follow\n\n")
            waiting = asyncio.ensure_future(anext(answers))
            try:
                while True:
                    done, _ = await asyncio.wait([waiting], timeout=HEARTBEAT_S)
                    if not done:
                        await _write(response, ": alive\n\n")
                        continue
                    answer = waiting.result()
                    waiting = asyncio.ensure_future(anext(answers))
                    await _write(response, f"event: {answer.event}\ndata: {answer.line}\n\n")
            except (StopAsyncIteration, ConnectionError, TimeoutError):
                return response
            finally:
                waiting.cancel()
    except TooManySubscribers as error:
        raise full(str(error)) from error


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(text.encode())
