"""An upload that does not come on gives its place back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from facegauge_gateway.address import Address
from facegauge_gateway.http.listening import listening
from facegauge_gateway.ui.clips import upload


@pytest.mark.parametrize(
    "limits",
    [{"IDLE_TIMEOUT_S": 0.05}, {"GRACE_S": 0.0, "LEAST_BYTES_PER_S": 10**12}],
    ids=["silent", "slow"],
)
async def test_a_file_that_comes_too_slowly(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, float]
) -> None:
    """Silent for too long, or dripping: refused with a sentence."""
    for name, value in limits.items():
        monkeypatch.setattr(upload, name, value)

    async def handle(request: web.Request) -> web.Response:
        with await upload.receive(request, 100):
            return web.Response()

    async def body() -> AsyncIterator[bytes]:
        yield b"a beginning"
        await asyncio.Event().wait()

    app = web.Application()
    app.router.add_post("/", handle)
    async with listening(app, Address("127.0.0.1", 0), None) as address, aiohttp.ClientSession() as session:
        async with session.post(f"http://{address}/", data=body()) as response:
            assert response.status == 408
            assert "too slowly" in await response.text()
