"""The WHIP endpoint (RFC 9725): offers in, answers out, and a resource for each session.

    POST    /whip/STREAM_ID?call_id=CALL        an SDP offer -> 201, the SDP answer, Location of the session
    DELETE  /whip/STREAM_ID/SESSION             ends the session
    OPTIONS                                     what may be posted, and to whom (CORS)

Trickle ICE and ICE restarts are not offered: PATCH gets 405 (RFC 9725, 4.3.1), and the answer holds all of
the gateway's candidates.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from aiohttp import web

from facegauge_client import Client, FacegaugeError, FrameEncoding
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.errors import GatewayError
from facegauge_gateway.forward.monitored_stream import MonitoredStream
from facegauge_gateway.http.refusals import full, require_token, unauthorized
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.sources import Refusals
from facegauge_gateway.token_file import TokenFile, header_bytes
from facegauge_gateway.whip_door.camera import Camera
from facegauge_gateway.whip_door.offer import SDP_TYPE, Offer, read_offer
from facegauge_gateway.whip_door.refusals import refused_by_server
from facegauge_gateway.whip_door.room import Room
from facegauge_gateway.whip_door.routes import Routes
from facegauge_gateway.whip_door.session import WhipSession
from facegauge_gateway.whip_door.sessions import Sessions
from facegauge_gateway.whip_door.settings import PUBLISH_TOKENS_FLAG, WhipSettings
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics

__all__ = ["WhipDoor"]

STREAM_ID = re.compile(r"[\w.~@:+-]{1,128}", re.ASCII)


class WhipDoor:
    """Takes publishers from `open` to `drain`; a stream at the server for each."""

    def __init__(
        self,
        settings: WhipSettings,
        client: Client,
        client_with_token: Callable[[str], Client],
        hub: AnswerHub,
        metrics: Metrics,
        app: web.Application,
    ) -> None:
        """Add the door's routes to an application that has not started; raises BadConfiguration."""
        self._settings = settings
        self._client = client
        self._client_with_token = client_with_token
        self._hub = hub
        self._metrics = metrics
        self._whip_metrics = WhipMetrics(metrics.registry)
        self._tokens = (
            TokenFile(PUBLISH_TOKENS_FLAG, settings.publish_tokens) if settings.publish_tokens else None
        )
        self._refusals = Refusals(metrics.registry, Log())
        self._sessions = Sessions(metrics, self._whip_metrics)
        self._room = Room(settings.max_sessions, settings.max_sessions_per_address)
        self._is_open = False
        routes = Routes(app, self._whip_metrics)
        routes.add("/whip/{stream_id}", "POST", self._post)
        routes.add("/whip/{stream_id}/{session_id}", "DELETE", self._delete)

    async def open(self) -> Mapping[str, object]:
        """Begin to take offers; returns the path of the endpoint."""
        self._is_open = True
        return {"whip": "/whip/{stream_id}"}

    async def drain(self) -> None:
        """Refuse new publishers, and finish those that are there."""
        self._is_open = False
        await self._sessions.drain()

    @property
    def forwards_tokens(self) -> bool:
        """Whether the server sees the publisher's token."""
        return self._settings.forward_tokens

    @property
    def asks_for_token(self) -> bool:
        """Whether a publisher must show a token."""
        return self._tokens is not None or self.forwards_tokens

    def authorize(self, request: web.Request) -> str:
        """Return what a publisher has shown, `Authorization`; raises 401 where that is not enough."""
        require_token(request, self._tokens)
        shown = request.headers.get("Authorization", "")
        if self.forwards_tokens and not shown.lower().startswith("bearer "):
            raise unauthorized("send `Authorization: Bearer TOKEN` with a token for the Facegauge server")
        return shown

    # HTTP

    async def _post(self, request: web.Request) -> web.Response:
        authorization = self.authorize(request)
        if not self._is_open:
            raise full("the gateway is shutting down: publish to another one")
        stream_id = request.match_info["stream_id"]
        if not STREAM_ID.fullmatch(stream_id):
            raise web.HTTPBadRequest(text="a stream's id has 1 to 128 letters, digits and _.~@:+-\n")
        address = request.remote or ""
        with self._room.place(address) as place:
            offer = await read_offer(request)
            session, answer = await self._begin(request, stream_id, address, authorization, offer)
            place.keep()
        location = f"/whip/{stream_id}/{session.id}"
        return web.Response(status=201, text=answer, content_type=SDP_TYPE, headers={"Location": location})

    async def _delete(self, request: web.Request) -> web.Response:
        session = self._sessions.get(request.match_info["session_id"])
        if session is None or session.stream.settings.stream_id != request.match_info["stream_id"]:
            raise web.HTTPNotFound(text="there is no such session: it may have ended\n")
        shown = header_bytes(request.headers.get("Authorization", ""))
        if not hmac.compare_digest(shown, header_bytes(session.authorization)):
            raise unauthorized("show the token that the session was begun with")
        session.end("deleted")
        return web.Response(text="the session ends\n")

    # Sessions

    async def _begin(
        self,
        request: web.Request,
        stream_id: str,
        address: str,
        authorization: str,
        offer: Offer,
    ) -> tuple[WhipSession, str]:
        """Open the stream at the server and answer the publisher; leave nothing behind where either fails."""
        settings = replace(
            self._settings.stream,
            stream_id=stream_id,
            call_id=request.query.get("call_id", ""),
            encoding=FrameEncoding[offer.video.first.name],
        )
        now_s = asyncio.get_running_loop().time()
        camera = Camera(offer.video, self._settings.camera, self._refusals.refuse, now_s)
        async with AsyncExitStack() as stack:
            client = self._client
            if self.forwards_tokens:
                client = await stack.enter_async_context(self._client_of(authorization))
            stream = MonitoredStream(client, settings, self._hub, self._metrics, camera.need_keyframe)
            try:
                await stack.enter_async_context(stream)
            except (FacegaugeError, ValueError) as error:
                self._metrics.count_failure(error)
                if isinstance(error, FacegaugeError):
                    raise refused_by_server(error) from error
                raise web.HTTPBadRequest(text=f"{error}\n") from error
            session = WhipSession(
                camera,
                stream,
                stack.pop_all(),
                address,
                authorization,
                self._settings,
                self._hub,
                self._whip_metrics,
            )
        try:
            answer = await session.answer(offer)
        except Exception as error:
            await session.close()
            raise web.HTTPUnprocessableEntity(text=f"the offer cannot be answered: {error}\n") from error
        self._sessions.run(session, gone=partial(self._room.give_back, address))
        if not self._is_open:  # the drain has begun meanwhile
            session.end("drained")
        return session, answer

    def _client_of(self, authorization: str) -> Client:
        """Return a client that shows the publisher's token to the server; raises 401 for what is none."""
        try:
            return self._client_with_token(authorization.partition(" ")[2].strip())
        except (ValueError, GatewayError) as error:
            raise unauthorized(f"the bearer token cannot be shown to the server: {error}") from error
