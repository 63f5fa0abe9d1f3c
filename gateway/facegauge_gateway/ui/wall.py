"""The wall: all live streams, watched once for all pages.

A list is turned into JSON once, and in a thread: the event loop carries cameras. A page holds nothing but the
number of what it has seen, so one that reads slowly skips lists.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from facegauge_client import Client, StreamList, StreamStatus
from facegauge_gateway.http.server_sent import sse_message
from facegauge_gateway.ui.following import follow
from facegauge_gateway.ui.histories import Histories
from facegauge_gateway.ui.news import News
from facegauge_gateway.worded import status_dict

__all__ = ["Wall", "away_message"]

MAX_STREAMS = 10_000
INTERVAL_S = 1.0
SILENCE_S = 10.0
"""Time without a list after which the server counts as away."""


def away_message(reason: str, retry_s: float) -> bytes:
    """Return the event that says why there is nothing new, and when the next attempt is made."""
    return sse_message("away", json.dumps({"reason": reason, "retry_s": round(retry_s, 3)}))


@dataclass(frozen=True, slots=True)
class _Look:
    """One list, as JSON."""

    version: int
    head: str
    streams: tuple[StreamStatus, ...]
    texts: list[str]
    update: bytes


class Wall:
    """What pages see of the live streams."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._news = News()
        self._histories = Histories()
        self._look: _Look | None = None
        self._away: bytes | None = None
        self._connection = 0
        """How many times the server has been there."""
        self._snapshot: tuple[int, bytes] = (0, b"")
        self._making = asyncio.Lock()

    async def watch(self) -> None:
        """Follow the server until cancelled."""
        await follow(
            lambda: self._client.watch_streams(limit=MAX_STREAMS, interval_s=INTERVAL_S),
            self._take,
            self._lose,
            silence_s=SILENCE_S,
        )

    async def messages(self) -> AsyncGenerator[bytes]:
        """Yield a snapshot, then each update that comes after the one before was taken; without end."""
        seen, connection = 0, 0
        while True:
            await self._news.after(seen)
            if self._away is not None or self._look is None:
                seen, connection = self._news.version, 0
                if self._away is not None:
                    yield self._away
            elif connection != self._connection:
                connection = self._connection
                seen, snapshot = await self._make_snapshot(self._look)
                yield snapshot
            else:
                seen = self._look.version
                yield self._look.update

    async def _take(self, streams: StreamList) -> None:
        self._histories.add(streams.streams, asyncio.get_running_loop().time())
        if self._look is None or self._away is not None:
            self._connection += 1
        look = await asyncio.to_thread(_encode, streams, self._news.version + 1, time.time())
        self._look, self._away = look, None
        self._news.tell()

    def _lose(self, reason: str, retry_s: float) -> None:
        self._away = away_message(reason, retry_s)
        self._news.tell()

    async def _make_snapshot(self, look: _Look) -> tuple[int, bytes]:
        """Return the newest snapshot and its number; made once for all who want it."""
        async with self._making:
            if self._snapshot[0] < look.version:
                histories = self._histories.copy(look.streams)
                self._snapshot = look.version, await asyncio.to_thread(_with_histories, look, histories)
            return self._snapshot


def _encode(streams: StreamList, version: int, time_s: float) -> _Look:
    texts = [json.dumps(status_dict(stream), ensure_ascii=False) for stream in streams.streams]
    fields = {
        "time_s": round(time_s, 3),
        "server": streams.server and streams.server.to_dict(),
        "total": streams.total,
    }
    head = json.dumps(fields, ensure_ascii=False)[:-1]
    return _Look(version, head, streams.streams, texts, _message("update", head, texts))


def _with_histories(look: _Look, histories: list[bytes]) -> bytes:
    texts = [
        f'{text[:-1]}, "history": {Histories.text(history)}}}'
        for text, history in zip(look.texts, histories, strict=True)
    ]
    return _message("snapshot", look.head, texts)


def _message(event: str, head: str, texts: list[str]) -> bytes:
    return sse_message(event, f'{head}, "streams": [{", ".join(texts)}]}}')
