"""What happened to streams: the newest events, watched once for all pages."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from facegauge_client import Client, Event, EventPosition, EventsMissed
from facegauge_gateway.http.server_sent import sse_message
from facegauge_gateway.ui.following import follow
from facegauge_gateway.ui.news import News
from facegauge_gateway.ui.wall import away_message
from facegauge_gateway.worded import event_dict

__all__ = ["EventLog"]

KEPT = 1000
SHOWN_FIRST = 200
"""Events that a page gets first, the newest."""


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    message: bytes
    event: Event | None
    """None for what every page is told."""

    def matches(self, stream_id: str | None, tenant: str | None) -> bool:
        event = self.event
        if event is None:
            return True
        return stream_id in (None, event.stream_id) and tenant in (None, event.tenant)


class EventLog:
    """The newest events of a server, and its readers' places in them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._news = News()
        self._entries: deque[_Entry] = deque(maxlen=KEPT)
        self._place = EventPosition()
        self._away: tuple[int, bytes] = (0, b"")
        """With the number of the attempt; empty while events come."""

    async def watch(self) -> None:
        """Follow the server until cancelled, from the oldest event that it keeps on."""
        await follow(
            lambda: self._client.watch_events(after=self._place, reconnect_timeout_s=0.0),
            self._take,
            self._lose,
        )

    async def messages(self, stream_id: str | None, tenant: str | None) -> AsyncGenerator[bytes]:
        """Yield the newest events that match, then each as it happens; without end.

        A reader who is too slow is told how many events have gone by.
        """
        upcoming = self._next_number
        matching = [entry for entry in self._entries if entry.event and entry.matches(stream_id, tenant)]
        for entry in matching[-SHOWN_FIRST:]:
            yield entry.message
        seen, attempt = -1, 0
        while True:
            seen = await self._news.after(seen)
            if upcoming < self._oldest_number:
                yield _missed(self._oldest_number - upcoming, restarted=False)
                upcoming = self._oldest_number
            for entry in [entry for entry in self._entries if entry.number >= upcoming]:
                upcoming = entry.number + 1
                if entry.matches(stream_id, tenant):
                    yield entry.message
            if self._away[0] != attempt:
                attempt, message = self._away
                if message:
                    yield message

    @property
    def _next_number(self) -> int:
        return self._entries[-1].number + 1 if self._entries else 1

    @property
    def _oldest_number(self) -> int:
        return self._entries[0].number if self._entries else 1

    async def _take(self, told: Event | EventsMissed) -> None:
        number = self._next_number
        if isinstance(told, Event):
            self._place = told.position
            self._entries.append(
                _Entry(number, sse_message("event", json.dumps(event_dict(told), ensure_ascii=False)), told)
            )
        elif self._entries:  # who begins has missed nothing
            self._entries.append(_Entry(number, _missed(told.missed, restarted=told.restarted), None))
        self._away = (self._away[0], b"")
        self._news.tell()

    def _lose(self, reason: str, retry_s: float) -> None:
        self._away = (self._away[0] + 1, away_message(reason, retry_s))
        self._news.tell()


def _missed(missed: int, *, restarted: bool) -> bytes:
    return sse_message("missed", json.dumps({"missed": missed, "restarted": restarted}))
