"""Clips over HTTP.

    POST    /ui/clips?name=FILE     a video or a picture -> 201 {"id", "stream_id"}
    GET     /ui/clips/ID            how far it is, as server-sent events
    GET     /ui/clips/ID/report     the report, as `facegauge replay --report` writes it
    DELETE  /ui/clips/ID            ends it, and forgets it

An id cannot be guessed; whoever knows it needs no token, which a link could not show.
"""

from __future__ import annotations

from aiohttp import web

from facegauge_gateway.clip_player.job import Job
from facegauge_gateway.http.refusals import full, require_token
from facegauge_gateway.server_access import ServerAccess
from facegauge_gateway.token_file import TokenFile
from facegauge_gateway.ui.clips.clip import ClipRefused
from facegauge_gateway.ui.clips.clip_table import ClipTable
from facegauge_gateway.ui.clips.upload import receive
from facegauge_gateway.ui.readers import Readers
from facegauge_gateway.ui.settings import UiSettings
from facegauge_gateway.ui.ui_metrics import UiMetrics
from facegauge_gateway.whip_door import WhipDoor

__all__ = ["CALL_ID", "ClipRoutes"]

CALL_ID = "clips"
REPORT_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}
"""The report has its style in itself and no script."""


class ClipRoutes:
    """Takes clips until it is closed."""

    def __init__(
        self,
        settings: UiSettings,
        server: ServerAccess,
        whip: WhipDoor,
        read_tokens: TokenFile | None,
        readers: Readers,
        metrics: UiMetrics,
    ) -> None:
        self._settings = settings
        self._server = server
        self._whip = whip
        self._read_tokens = read_tokens
        self._readers = readers
        self._clips = ClipTable(settings.max_clips, metrics)
        self._is_open = True

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application that has not started."""
        app.router.add_post("/ui/clips", self._post)
        app.router.add_get("/ui/clips/{id}", self._follow, allow_head=False)
        app.router.add_delete("/ui/clips/{id}", self._delete)
        app.router.add_get("/ui/clips/{id}/report", self._report)

    async def close(self) -> None:
        """Take no more, and end those that play."""
        self._is_open = False
        await self._clips.close()

    async def _post(self, request: web.Request) -> web.Response:
        token = self._authorize(request)
        with self._clips.place():
            file = await receive(request, self._settings.max_clip_bytes)
            clip = self._clips.make(request.query.get("name", ""))
            job = Job(
                path=f"/dev/fd/{file.fileno()}",
                name=clip.name,
                stream_id=clip.stream_id,
                call_id=CALL_ID,
                server=self._server,
                token=token,
            )
            try:
                await clip.begin(job, file)
            except ClipRefused as error:
                raise web.HTTPUnprocessableEntity(text=f"{error}\n") from error
            self._clips.keep(clip)
            if not self._is_open:
                await self._clips.forget(clip)
        return web.json_response({"id": clip.id, "stream_id": clip.stream_id}, status=201)

    def _authorize(self, request: web.Request) -> str | None:
        """Return the token that the server is to see, where it is not the gateway's own; raises 401.

        Who plays a clip publishes a stream, so it takes what publishing does, or else what reading does.
        """
        if not self._is_open:
            raise full("the gateway is shutting down: drop the file on another one")
        shown = self._whip.authorize(request)
        if not self._whip.asks_for_token:
            require_token(request, self._read_tokens)
        return shown.partition(" ")[2].strip() if self._whip.forwards_tokens else None

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        clip = self._clips.get(request.match_info["id"])
        return await self._readers.send(request, "clip", clip.messages())

    async def _report(self, request: web.Request) -> web.Response:
        clip = self._clips.get(request.match_info["id"])
        if not clip.report:
            raise web.HTTPNotFound(text="the clip has no report yet: wait until it has played\n")
        return web.Response(body=clip.report, headers=REPORT_HEADERS)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._clips.forget(self._clips.get(request.match_info["id"]))
        return web.Response(text="the clip is forgotten\n")
