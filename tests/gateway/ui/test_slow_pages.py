"""A page that reads slowly skips what is old, and holds nobody up; there are so many pages at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from aiohttp import web

from facegauge_client import Client, Event, EventKind, EventsMissed, StreamList, StreamStatus
from facegauge_gateway.address import Address
from facegauge_gateway.http.listening import listening
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.ui.event_log import KEPT, SHOWN_FIRST, EventLog
from facegauge_gateway.ui.readers import Readers
from facegauge_gateway.ui.ui_metrics import UiMetrics
from facegauge_gateway.ui.wall import Wall


def read(message: bytes) -> tuple[str, Any]:
    event, data = message.decode().splitlines()[:2]
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_a_slow_page_gets_the_newest_list() -> None:
    """Those in between are skipped; after the server was away it begins with a snapshot again."""
    wall = Wall(Client())
    pages = wall.messages(), wall.messages()
    await wall._take(StreamList(total=1, streams=(StreamStatus("alice"),)))
    assert [read(await anext(page))[0] for page in pages] == ["snapshot", "snapshot"]
    for total in range(2, 7):
        await wall._take(StreamList(total=total))
    kind, data = read(await anext(pages[0]))
    assert (kind, data["total"], data["streams"]) == ("update", 6, [])
    wall._lose("gone", 1.5)
    assert read(await anext(pages[0])) == ("away", {"reason": "gone", "retry_s": 1.5})
    await wall._take(StreamList(total=7))
    for page in pages:
        kind, data = read(await anext(page))
        assert (kind, data["total"]) == ("snapshot", 7)


def happened(number: int, stream_id: str = "alice") -> Event:
    return Event(sequence=number, instance_id="a", stream_id=stream_id, kind=EventKind.STREAM_BEGAN)


async def test_a_slow_page_is_told_how_many_events_it_missed() -> None:
    """It holds a place in what is kept, and no events; who comes later gets the newest of its stream."""
    log = EventLog(Client())
    page = log.messages("alice", None)
    await log._take(EventsMissed(missed=3))
    await log._take(happened(1))
    await log._take(happened(2, "bob"))
    assert read(await anext(page))[1]["sequence"] == 1
    for number in range(3, KEPT + 13):
        await log._take(happened(number))
    assert read(await anext(page)) == ("missed", {"missed": 10, "restarted": False})
    assert read(await anext(page))[1]["sequence"] == 13
    later = log.messages("alice", "")
    assert read(await anext(later))[1]["sequence"] == KEPT + 12 - SHOWN_FIRST + 1
    await log._take(EventsMissed(missed=0, restarted=True))
    kinds = [read(await anext(later))[0] for _ in range(SHOWN_FIRST)]
    assert kinds[-1] == "missed", "a restart of the server is told"


async def test_one_page_too_many_is_refused_and_a_place_comes_back() -> None:
    """With a sentence; a gateway that stops lets all go."""
    readers = Readers(1, UiMetrics(Metrics().registry))

    async def quiet() -> AsyncGenerator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await readers.send(request, "streams", quiet())

    app = web.Application()
    app.router.add_get("/", handle)
    async with listening(app, Address("127.0.0.1", 0), None) as address, aiohttp.ClientSession() as session:
        async with session.get(f"http://{address}/") as first:
            assert first.status == 200
            async with session.get(f"http://{address}/") as second:
                assert second.status == 503
                assert "close one" in await second.text()
            readers.close()
            assert b"events follow" in await first.read()
        async with session.get(f"http://{address}/") as third:
            assert third.status == 200
            await third.read()
