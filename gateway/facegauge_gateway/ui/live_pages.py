"""Live data of the page over HTTP, as server-sent events.

GET /ui/info       what the page must know before it asks for more: no token
GET /ui/streams    all live streams
GET /ui/stream     one of them, closely: ?stream_id=ID&tenant=T
GET /ui/events     what happened: ?stream_id=ID&tenant=T
"""

from __future__ import annotations

from importlib.metadata import version

from aiohttp import web

from facegauge_client import Client
from facegauge_gateway.http.refusals import require_token
from facegauge_gateway.token_file import TokenFile
from facegauge_gateway.ui.event_log import EventLog
from facegauge_gateway.ui.readers import Readers
from facegauge_gateway.ui.settings import UiSettings
from facegauge_gateway.ui.stream_watch import watch_stream
from facegauge_gateway.ui.wall import Wall

__all__ = ["LivePages"]

MAX_NAME_CHARS = 128
"""What the interface allows a stream's id, and a tenant's."""


class LivePages:
    """The routes."""

    def __init__(
        self,
        settings: UiSettings,
        client: Client,
        tokens: TokenFile | None,
        readers: Readers,
        *,
        needs_publish_token: bool,
    ) -> None:
        self._settings = settings
        self._client = client
        self._tokens = tokens
        self._readers = readers
        self._needs_publish_token = needs_publish_token
        self.wall = Wall(client)
        self.events = EventLog(client)

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application that has not started."""
        app.router.add_get("/ui/info", self._info)
        app.router.add_get("/ui/streams", self._streams, allow_head=False)
        app.router.add_get("/ui/stream", self._stream, allow_head=False)
        app.router.add_get("/ui/events", self._events, allow_head=False)

    async def _info(self, _request: web.Request) -> web.Response:
        dashboard, runbook = self._settings.dashboard_url, self._settings.runbook_url
        return web.json_response(
            {
                "version": version("facegauge-gateway"),
                "needs_read_token": self._tokens is not None,
                "needs_publish_token": self._needs_publish_token,
                "max_clip_bytes": self._settings.max_clip_bytes,
                "dashboard_url": dashboard and dashboard.text,
                "runbook_url": runbook and runbook.text,
            }
        )

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        require_token(request, self._tokens)
        return await self._readers.send(request, "streams", self.wall.messages())

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        require_token(request, self._tokens)
        stream_id, tenant = _name(request, "stream_id"), _name(request, "tenant")
        if not stream_id:
            raise web.HTTPBadRequest(text="say which stream: /ui/stream?stream_id=ID\n")
        return await self._readers.send(request, "stream", watch_stream(self._client, stream_id, tenant))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        require_token(request, self._tokens)
        wanted = _name(request, "stream_id"), _name(request, "tenant")
        return await self._readers.send(request, "events", self.events.messages(*wanted))


def _name(request: web.Request, key: str) -> str | None:
    """Return a name of the query; None where it is not given."""
    name = request.query.get(key)
    if name is not None and len(name) > MAX_NAME_CHARS:
        raise web.HTTPBadRequest(text=f"{key} has at most {MAX_NAME_CHARS} characters\n")
    return name
