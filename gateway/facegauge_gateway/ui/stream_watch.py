"""One stream, watched closely for the page that shows it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator

from facegauge_client import Client, StreamList
from facegauge_gateway.http.server_sent import sse_message
from facegauge_gateway.ui.following import follow
from facegauge_gateway.ui.news import News
from facegauge_gateway.ui.wall import SILENCE_S, away_message
from facegauge_gateway.worded import status_dict

__all__ = ["watch_stream"]

INTERVAL_S = 0.25
MAX_NAMESAKES = 1000
"""Streams of the same id, each of another tenant, among which the one is looked for."""


async def watch_stream(client: Client, stream_id: str, tenant: str | None) -> AsyncGenerator[bytes]:
    """Yield what the stream is like, the newest each time; without end.

    `tenant` None takes the first stream of the id, for whoever sees those of one tenant alone.
    """
    news = News()
    newest = b""

    async def take(streams: StreamList) -> None:
        nonlocal newest
        newest = _message(streams, stream_id, tenant)
        news.tell()

    def lose(reason: str, retry_s: float) -> None:
        nonlocal newest
        newest = away_message(reason, retry_s)
        news.tell()

    following = asyncio.create_task(
        follow(
            lambda: client.watch_streams(stream_id=stream_id, limit=MAX_NAMESAKES, interval_s=INTERVAL_S),
            take,
            lose,
            silence_s=SILENCE_S,
        )
    )
    seen = 0
    try:
        while True:
            seen = await news.after(seen)
            yield newest
    finally:
        following.cancel()


def _message(streams: StreamList, stream_id: str, tenant: str | None) -> bytes:
    time_s = round(time.time(), 3)
    for stream in streams.streams:
        if stream.stream_id == stream_id and tenant in (None, stream.tenant):
            fields = {"time_s": time_s, "status": status_dict(stream)}
            return sse_message("status", json.dumps(fields, ensure_ascii=False))
    return sse_message("absent", json.dumps({"time_s": time_s}))
