"""Server-sent events (HTML standard, 9.2): one reader's connection, written to no faster than it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

__all__ = ["send_stream", "sse_message"]

HEARTBEAT_S = 15.0
"""A comment after so much silence shows that the connection is alive, to both sides."""
WRITE_TIMEOUT_S = 30.0
"""A reader who takes nothing for so long is let go."""
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back
}


def sse_message(event: str, data: str) -> bytes:
    """Return one event; `data` is one line."""
    return f"event: {event}\ndata: {data}\n\n".encode()


async def send_stream(
    request: web.Request, messages: AsyncGenerator[bytes], until: asyncio.Event | None = None
) -> web.StreamResponse:
    """Send events until they end, the reader leaves, or `until` is set; the generator is closed then."""
    response = web.StreamResponse(headers=HEADERS)
    over = None if until is None else asyncio.ensure_future(until.wait())
    async with aclosing(messages):
        waiting = asyncio.ensure_future(anext(messages))
        try:
            await response.prepare(request)
            await _write(response, b": events follow\n\n")
            while over is None or not over.done():
                both = [waiting] if over is None else [waiting, over]
                await asyncio.wait(both, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    message = waiting.result()
                    waiting = asyncio.ensure_future(anext(messages))
                    await _write(response, message)
                elif over is None or not over.done():
                    await _write(response, b": alive\n\n")
        except (StopAsyncIteration, ConnectionError, TimeoutError):
            pass
        finally:
            if over is not None:
                over.cancel()
            waiting.cancel()
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                waiting.exception()
    return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(data)
