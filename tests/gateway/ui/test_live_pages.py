"""Live data of the page: what it shows is what is there, and it says when it cannot know."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from facegauge_client import Client, MonitorStream

from .page_reader import Events, Page

MARKUP = "<img src=x onerror=alert(1)>\"'&"


@asynccontextmanager
async def live(
    client: Client, stream_id: str, picture: bytes, call_id: str = ""
) -> AsyncIterator[MonitorStream]:
    """A call that shows a picture, five times a second, for as long as the block lasts."""
    async with client.monitor(stream_id, call_id) as stream:

        async def send() -> None:
            for number in itertools.count():
                await stream.send(picture, capture_time_s=number / 5)
                await asyncio.sleep(0.2)

        async def read() -> None:
            async for _ in stream:
                pass

        tasks = [asyncio.create_task(send()), asyncio.create_task(read())]
        try:
            yield stream
        finally:
            for task in tasks:
                task.cancel()


async def listed(events: Events, stream_id: str, *, there: bool = True) -> dict[str, Any]:
    """Wait for a list that has the stream, with a quality, or has it no more; returns its entry."""
    while True:
        _, data = await events.next("snapshot", "update")
        entries = [entry for entry in data["streams"] if entry["stream_id"] == stream_id]
        if not there and not entries:
            return {}
        if there and entries and "quality" in entries[0]:
            return entries[0]  # type: ignore[no-any-return]  # JSON


async def test_the_wall_has_the_live_streams_and_no_others(
    page: Page, client: Client, portrait_jpeg: bytes
) -> None:
    """A stream appears with its names as they are, has a past for who comes later, and goes when it ends."""
    async with page.events("/ui/streams") as first:
        kind, data = await first.next()
        assert kind == "snapshot"
        assert {"time_s", "server", "total", "streams"} <= set(data)
        async with live(client, MARKUP, portrait_jpeg, "standup"):
            entry = await listed(first, MARKUP)
            assert entry["call_id"] == "standup"
            async with page.events("/ui/streams") as later:
                kind, data = await later.next()
                assert kind == "snapshot"
                entry = next(entry for entry in data["streams"] if entry["stream_id"] == MARKUP)
                assert 1 <= len(entry["history"]) <= 120
                assert abs(entry["history"][-1] - entry["quality"]) < 0.001
                assert (await later.next())[0] == "update"
        await listed(first, MARKUP, there=False)


async def test_a_streams_page_follows_it_closely(page: Page, client: Client, portrait_jpeg: bytes) -> None:
    """Absent, there, and absent again; what happened to it is told meanwhile."""
    async with (
        page.events("/ui/stream?stream_id=close&tenant=") as events,
        page.events("/ui/events?stream_id=close") as happened,
    ):
        assert (await events.next())[0] == "absent"
        async with live(client, "close", portrait_jpeg):
            _, data = await events.next("status")
            assert data["status"]["stream_id"] == "close"
            while not (causes := data["status"]["causes"]):
                _, data = await events.next("status")
            assert all(cause["words"].startswith(cause["kind"].split("_")[0]) for cause in causes)
            _, event = await happened.next("event")
            assert (event["kind"], event["stream_id"]) == ("stream_began", "close")
        await events.next("absent")
        while event["kind"] != "stream_ended":
            _, event = await happened.next("event")
    async with page.events("/ui/events?stream_id=close") as later:
        _, first = await later.next()
        assert first["kind"] == "stream_began", "who comes later reads what is kept"
