"""Routes of the endpoint: requests are counted, and other methods refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from facegauge_gateway.http.cross_origin import answer_preflight
from facegauge_gateway.whip_door.offer import SDP_TYPE
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics

__all__ = ["Handler", "Routes"]

Handler = Callable[[web.Request], Awaitable[web.Response]]
COUNTED_METHODS = ("POST", "DELETE", "OPTIONS", "PATCH")
OPTIONS = answer_preflight(
    "POST, DELETE, OPTIONS", headers="Authorization, Content-Type", says={"Accept-Post": SDP_TYPE}
)


class Routes:
    """Adds paths to an application, with OPTIONS for each (RFC 9725, 4.2 and 4.8)."""

    def __init__(self, app: web.Application, metrics: WhipMetrics) -> None:
        """Add to `app`, and count in `metrics`."""
        self._app = app
        self._metrics = metrics

    def add(self, path: str, method: str, handler: Handler) -> None:
        """Add a path with its one method."""
        handlers = {method: handler, "OPTIONS": OPTIONS}

        async def handle(request: web.Request) -> web.Response:
            try:
                known = handlers.get(request.method)
                if known is None:
                    raise web.HTTPMethodNotAllowed(request.method, tuple(handlers))
                response = await known(request)
            except web.HTTPException as refusal:
                self._finish(request, refusal)
                raise
            self._finish(request, response)
            return response

        self._app.router.add_route("*", path, handle)

    def _finish(self, request: web.Request, response: web.StreamResponse) -> None:
        method = request.method if request.method in COUNTED_METHODS else "other"
        self._metrics.requests.labels(method, str(response.status)).inc()
