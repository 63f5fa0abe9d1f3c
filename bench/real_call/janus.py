"""Debian's Janus as the media server of a call: a video room whose publishers' RTP is forwarded.

Its configuration is a folder of its own, and nothing of it listens beyond this machine. Of its plugins and
transports, it loads the ones that are used: the video room, and WebSockets. (Its Unix sockets may end as soon
as they have begun, in 1.1.2: their thread looks for a flag that is set after its start.)
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.real_call.programs import find_program, free_port, running

__all__ = ["Janus", "JanusError", "Publication", "running_janus"]

ANSWER_LIMIT_S = 30.0
LIBRARIES = Path("/usr/lib")
PARTS = {"plugins": "libjanus_videoroom.so", "transports": "libjanus_websockets.so"}
CONFIG = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/events"
    loggers_folder = "{folder}/loggers"
    debug_level = 4
    interface = "127.0.0.1"
    session_timeout = 0
}}
nat: {{
    ice_enforce_list = "{interfaces}"
}}
"""
WEBSOCKETS_CONFIG = """
general: {{
    json = "compact"
    ws = true
    ws_ip = "127.0.0.1"
    ws_port = {port}
}}
"""


class JanusError(Exception):
    """Janus has refused a request."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One publisher in a room of its own."""

    room: int
    publisher: int
    answer_sdp: str


class Janus:
    """A session of the API with one handle of the video room. Requests are made one after another."""

    def __init__(self, api: aiohttp.ClientWebSocketResponse) -> None:
        self._api = api
        self._transactions = itertools.count(1)
        self._session: dict[str, int] = {}
        self._rooms = itertools.count(1)
        self._events: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Begin a session."""
        created = await self._ask({"janus": "create"})
        self._session["session_id"] = created["data"]["id"]

    async def publish(self, offer_sdp: str, codec: str) -> Publication:
        """Join a new room as its publisher, with a browser's offer; the room adds no keyframe requests."""
        attached = await self._ask({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        self._session["handle_id"] = attached["data"]["id"]
        room = next(self._rooms)
        await self._message(
            request="create", room=room, publishers=1, bitrate=0, fir_freq=0, videocodec=codec
        )
        joined = await self._message(request="join", ptype="publisher", room=room)
        jsep = {"type": "offer", "sdp": offer_sdp}
        configured = await self._message(jsep, request="publish")
        return Publication(room, joined["plugindata"]["data"]["id"], configured["jsep"]["sdp"])

    async def is_up(self) -> None:
        """Wait until the publisher's media can flow: ICE and DTLS are done."""
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while all(event["janus"] != "webrtcup" for event in self._events):
                self._events.append(await self._receive())

    async def forward(self, publication: Publication, *, port: int, ssrc: int, payload_type: int) -> None:
        """Forward the publisher's RTP to a port of this machine, and take RTCP back from there."""
        await self._message(
            request="rtp_forward",
            room=publication.room,
            publisher_id=publication.publisher,
            host="127.0.0.1",
            streams=[
                {
                    "mid": "0",
                    "host": "127.0.0.1",
                    "port": port,
                    "rtcp_port": port,
                    "ssrc": ssrc,
                    "pt": payload_type,
                }
            ],
        )

    async def leave(self) -> None:
        """End what was published last."""
        await self._ask({"janus": "detach"})
        del self._session["handle_id"]
        self._events.clear()

    async def _message(self, jsep: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        answer = await self._ask({"janus": "message", "body": body} | ({"jsep": jsep} if jsep else {}))
        error = answer["plugindata"]["data"].get("error")
        if error is not None:
            raise JanusError(f"Janus refuses {body['request']}: {error}")
        return answer

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request; return its answer, which for some comes as an event after an acknowledgement."""
        transaction = str(next(self._transactions))
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await self._api.send_json({**request, **self._session, "transaction": transaction})
            while True:
                answer = await self._receive()
                if answer.get("transaction") != transaction:
                    self._events.append(answer)
                elif answer["janus"] == "error":
                    raise JanusError(f"Janus refuses {request['janus']}: {answer['error']['reason']}")
                elif answer["janus"] != "ack":
                    return answer

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._api.receive_json()
        return message


@asynccontextmanager
async def running_janus(folder: Path, *, interfaces: str = "lo") -> AsyncIterator[Janus]:
    """Start Janus with its files in an empty folder."""
    program = find_program("janus")
    for part, library in PARTS.items():
        (folder / part).mkdir()
        (found,) = LIBRARIES.glob(f"*/janus/{part}/{library}")  # noqa: ASYNC240 - once, before anything runs
        (folder / part / library).symlink_to(found)
    for empty in ("events", "loggers"):
        (folder / empty).mkdir()
    (folder / "janus.jcfg").write_text(CONFIG.format(folder=folder, interfaces=interfaces))
    port = free_port()
    (folder / "janus.transport.websockets.jcfg").write_text(WEBSOCKETS_CONFIG.format(port=port))
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")
    log = folder / "log"
    async with running(program, "-F", folder, "-L", log, "-N") as process, aiohttp.ClientSession() as client:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while True:
                if process.returncode is not None:
                    raise JanusError(f"Janus did not start: {log.read_text()[-500:]}")
                try:
                    api = await client.ws_connect(f"ws://127.0.0.1:{port}", protocols=["janus-protocol"])
                    break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
        async with api:
            janus = Janus(api)
            await janus.open()
            yield janus
