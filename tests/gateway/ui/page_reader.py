"""What a page does: asks with its own origin, and reads server-sent events."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.gateway.gateway_process import DEADLINE_S

__all__ = ["Events", "Page", "page_of"]


class Events:
    """An open stream of server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._messages = self._read()

    async def next(self, *kinds: str) -> tuple[str, dict[str, Any]]:
        """Return the next event of these kinds, of any without one: its kind and its data."""
        async with asyncio.timeout(DEADLINE_S):
            async for kind, data in self._messages:
                if not kinds or kind in kinds:
                    return kind, data
        raise AssertionError("the events have ended")

    async def ended(self) -> None:
        """Wait until the gateway ends them."""
        async with asyncio.timeout(DEADLINE_S):
            async for _ in self._messages:
                pass

    async def _read(self) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        kind = ""
        async for raw in self.response.content:
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)


class Page:
    """A page of the gateway, open in a browser."""

    def __init__(self, http: str, session: aiohttp.ClientSession) -> None:
        self.http = http
        self.session = session

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Status and text."""
        headers = {"Origin": self.http, **options.pop("headers", {})}
        if isinstance(options.get("data"), bytes):
            options["data"] = io.BytesIO(options["data"])
        async with self.session.request(method, self.http + path, headers=headers, **options) as response:
            return response.status, await response.text()

    @asynccontextmanager
    async def events(self, path: str, **headers: str) -> AsyncIterator[Events]:
        """Read events until the block is left."""
        async with self.session.get(self.http + path, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield Events(response)


@asynccontextmanager
async def page_of(http: str) -> AsyncIterator[Page]:
    """Open the page at an address."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22) as session:
        yield Page(http, session)
