"""The HTTP application: /metrics, /livez, /readyz and /answers.

/livez answers as long as the event loop turns; /readyz answers 200, or 503 with the reasons. Neither says
anything of a call, so they need no token; /metrics and /answers name streams, and ask for one where there are
readers' tokens. Pages of other origins read what comes back where they are allowed to.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.http.cross_origin import admit_origins, answer_preflight
from facegauge_gateway.http.events import send_events
from facegauge_gateway.http.refusals import require_token
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.readiness import Readiness
from facegauge_gateway.token_file import TokenFile

__all__ = ["READ_TOKENS_FLAG", "make_http_app"]

READ_TOKENS_FLAG = "--read-tokens"


def make_http_app(
    hub: AnswerHub,
    metrics: Metrics,
    readiness: Readiness,
    readers: TokenFile | None = None,
    allowed_origins: frozenset[str] = frozenset(),
) -> web.Application:
    """Build the application; more routes may be added before it starts."""
    pages = _Pages(hub, metrics, readiness, readers)
    app = web.Application()
    admit_origins(app, allowed_origins)
    app.router.add_get("/livez", pages.livez)
    app.router.add_get("/readyz", pages.readyz)
    app.router.add_get("/metrics", pages.metrics)
    app.router.add_get("/answers", pages.answers, allow_head=False)
    app.router.add_route("OPTIONS", "/answers", answer_preflight("GET", headers="Authorization"))
    return app


class _Pages:
    def __init__(
        self, hub: AnswerHub, metrics: Metrics, readiness: Readiness, readers: TokenFile | None
    ) -> None:
        self._hub = hub
        self._metrics = metrics
        self._readiness = readiness
        self._readers = readers

    async def livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        reasons = self._readiness.reasons()
        return web.Response(status=503 if reasons else 200, text="\n".join(reasons or ["ready"]) + "\n")

    async def metrics(self, request: web.Request) -> web.Response:
        require_token(request, self._readers)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._metrics.registry), headers={"Content-Type": content_type})

    async def answers(self, request: web.Request) -> web.StreamResponse:
        require_token(request, self._readers)
        return await send_events(request, self._hub, request.query.get("stream_id"))
