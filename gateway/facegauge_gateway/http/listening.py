"""The HTTP port, within bounds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from facegauge_gateway.address import Address
from facegauge_gateway.errors import BadConfiguration

__all__ = ["MAX_CONNECTIONS", "listening"]

MAX_CONNECTIONS = 512
"""Beyond, the oldest connection is closed: a newcomer, such as the next scrape, always gets in."""
KEEPALIVE_S = 30.0
"""How long a connection may stay without a request after its first."""


@asynccontextmanager
async def listening(
    app: web.Application, wanted: Address, tls: ssl.SSLContext | None
) -> AsyncIterator[Address]:
    """Serve the application; gives the address with its port, raises BadConfiguration where it is taken."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=1.0)
    await runner.setup()
    http = runner.server
    assert http is not None, "it is set up"  # noqa: S101 - aiohttp's promise

    def connect() -> asyncio.Protocol:
        connections = http.connections  # oldest first
        for connection in connections[: max(0, 1 + len(connections) - MAX_CONNECTIONS)]:
            connection.force_close()
        return http()

    try:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(connect, wanted.host, wanted.port, ssl=tls)
        except OSError as error:
            raise BadConfiguration(
                f"cannot listen on {wanted} ({error.strerror}): choose another --http-listen"
            ) from error
        try:
            yield wanted.with_port(server.sockets[0].getsockname()[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()
