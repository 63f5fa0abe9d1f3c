"""Headless Chromium, whose camera is a file, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench.real_call.programs import find_program, running

__all__ = ["Browser", "Page", "PageError", "running_browser"]

ANSWER_LIMIT_S = 60.0
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--remote-debugging-port=0"),
    "--allow-loopback-in-peer-connection",  # the only network that a call here may use
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # the media server has no resolver for made-up names
)
LISTENS = re.compile(rb"DevTools listening on (ws://\S+)")


class PageError(Exception):
    """What a page was asked to do has thrown."""


class Page:
    """An open page."""

    def __init__(self, browser: Browser, session_id: str) -> None:
        self._browser = browser
        self._session_id = session_id

    async def call(self, function: str, *arguments: Any) -> Any:
        """Call one of the page's functions, wait for what it promises, and return that as JSON."""
        expression = f"{function}({', '.join(map(json.dumps, arguments))})"
        answer = await self._browser.command(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
            self._session_id,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")


class Browser:
    """A running browser. Commands may overlap."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[tuple[str, str], asyncio.Event] = {}

    async def open(self, url: str) -> Page:
        """Open a page and wait until it has loaded."""
        target = await self.command("Target.createTarget", {"url": "about:blank"})
        attached = await self.command(
            "Target.attachToTarget", {"targetId": target["targetId"], "flatten": True}
        )
        session_id = attached["sessionId"]
        loaded = self._events[session_id, "Page.loadEventFired"] = asyncio.Event()
        await self.command("Page.enable", {}, session_id)
        await self.command("Page.navigate", {"url": url}, session_id)
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await loaded.wait()
        return Page(self, session_id)

    async def command(
        self, method: str, parameters: dict[str, Any], session_id: str | None = None
    ) -> dict[str, Any]:
        """Give a command and return its result."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        await self._connection.send_json(message | ({"sessionId": session_id} if session_id else {}))
        async with asyncio.timeout(ANSWER_LIMIT_S):
            received = await answer
        if "error" in received:
            raise PageError(f"Chromium refuses {method}: {received['error']['message']}")
        result: dict[str, Any] = received["result"]
        return result

    async def read(self) -> None:
        """Hand out answers and events until the browser ends."""
        async for message in self._connection:
            received = json.loads(message.data)
            if "id" in received:
                answer = self._answers.pop(received["id"])
                if not answer.done():
                    answer.set_result(received)
                continue
            event = self._events.get((received.get("sessionId", ""), received["method"]))
            if event is not None:
                event.set()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(PageError("Chromium has ended"))


@asynccontextmanager
async def running_browser(folder: Path, camera: Path, *flags: str) -> AsyncIterator[Browser]:
    """Start a browser with its profile in a folder; `camera` is the y4m file that its camera repeats."""
    command: tuple[str | Path, ...] = (
        *(find_program("chromium"), *FLAGS, f"--use-file-for-fake-video-capture={camera}"),
        *(f"--user-data-dir={folder}", *flags, "about:blank"),
    )
    async with running(*command, reads="stderr") as process, aiohttp.ClientSession() as client:
        assert process.stderr is not None  # noqa: S101 - narrows: it was asked for
        said: list[bytes] = []
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while not (found := LISTENS.search(said[-1] if said else b"")):
                said.append(await process.stderr.readline())
                if not said[-1]:
                    raise PageError(f"Chromium did not start: {b''.join(said).decode(errors='replace')}")
        drained = asyncio.create_task(_drain(process.stderr))
        async with client.ws_connect(found[1].decode(), max_msg_size=2**24) as connection:
            browser = Browser(connection)
            reading = asyncio.create_task(browser.read())
            try:
                yield browser
            finally:
                await connection.close()
                await reading
                drained.cancel()


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read what nobody wants, so that the pipe never fills."""
    while await stream.read(2**16):
        pass
