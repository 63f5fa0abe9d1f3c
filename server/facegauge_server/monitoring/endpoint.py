"""HTTP for operators: /metrics, /livez and /readyz, on the event loop and within bounds.

/livez answers as long as the event loop turns. /readyz answers 200, or 503 with the reasons. Both say nothing
of any call, so they need no token.
"""

from __future__ import annotations

import asyncio
import ssl

from aiohttp import web

from facegauge_server.config import Address
from facegauge_server.errors import BadConfiguration
from facegauge_server.monitoring.exposition import Exposition
from facegauge_server.monitoring.metrics_token import MetricsToken
from facegauge_server.monitoring.readiness import Readiness

__all__ = ["MonitoringEndpoint"]

MAX_CONNECTIONS = 64
"""Beyond, the oldest connection is closed: a newcomer, such as the next scrape, always gets in."""
KEEPALIVE_S = 30.0
"""How long a connection may stay without a request."""


class MonitoringEndpoint:
    """Serves from `start` to `close`."""

    def __init__(self, exposition: Exposition, readiness: Readiness, token: MetricsToken | None) -> None:
        self._exposition = exposition
        self._readiness = readiness
        self._token = token
        self._http: web.Server | None = None
        self._server: asyncio.Server | None = None

    async def start(self, address: Address, tls: ssl.SSLContext | None = None) -> Address:
        """Listen; return where, raise BadConfiguration where the address cannot be had."""
        self._http = http = web.Server(self._answer, access_log=None, keepalive_timeout=KEEPALIVE_S)

        def connect() -> asyncio.Protocol:
            connections = http.connections  # oldest first
            for connection in connections[: max(0, 1 + len(connections) - MAX_CONNECTIONS)]:
                connection.force_close()
            return http()

        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(connect, address.host, address.port, ssl=tls)
        except OSError as error:
            raise BadConfiguration(
                f"cannot serve metrics on {address} ({error.strerror}): choose another --metrics-listen"
            ) from error
        return Address(address.host, self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None and self._http is not None:
            self._server.close()
            await self._http.shutdown(timeout=1.0)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        now_s = asyncio.get_running_loop().time()
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="GET only\n")
        if request.path == "/livez":
            return web.Response(text="alive\n")
        if request.path == "/readyz":
            reasons = self._readiness.reasons_against(now_s)
            return web.Response(status=503 if reasons else 200, text="\n".join(reasons or ["ready"]) + "\n")
        if request.path != "/metrics":
            return web.Response(status=404, text="there is /metrics, /livez and /readyz\n")
        if self._token is not None and not self._token.opens(request.headers.get("Authorization", ""), now_s):
            headers = {"WWW-Authenticate": "Bearer"}
            return web.Response(status=401, headers=headers, text="needs a token (--metrics-token-file)\n")
        text, content_type = await self._exposition.render(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})
