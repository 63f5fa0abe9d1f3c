"""How an offer's request is read, before anybody looks at its SDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from facegauge_gateway.whip_door.offer import read_offer

TIMEOUT_S = 0.05


@asynccontextmanager
async def answer_to(*lines: str) -> AsyncIterator[bytes]:
    """Post a request without its end to whatever reads offers; gives the answer."""

    async def read(request: web.Request) -> web.Response:
        await read_offer(request, TIMEOUT_S)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", read)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = ("POST / HTTP/1.1", "Host: gateway", "Content-Type: application/sdp", *lines, "", "v=0")
        writer.write("\r\n".join(head).encode())
        async with asyncio.timeout(60):
            yield await reader.readuntil(b"\n\r\n") + await reader.readline()
        writer.close()


async def test_an_offer_that_does_not_end() -> None:
    """Whoever sends it slowly is told, and holds nothing any longer."""
    async with answer_to("Content-Length: 1000") as answer:
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"within 0.05 s: send it again" in answer


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/sdp", 422),
        ("text/html;q=0.9, */*;q=0.1", 422),
        ("Application/*", 422),
        ("text/html, */*;q=0, application/sdp", 422),
        ("text/html", 406),
        ("*/*, application/sdp;q=0.0", 406),
    ],
)
async def test_what_a_client_accepts(accept: str, status: int) -> None:
    """The most specific range decides (RFC 9110, 12.5.1); the offer itself is none."""
    async with answer_to("Content-Length: 3", f"Accept: {accept}") as answer:
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
