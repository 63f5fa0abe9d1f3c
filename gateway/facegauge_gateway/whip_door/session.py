"""One publisher: its peer connection, its pictures to the server, and the answers back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from facegauge_gateway.answers.hub import AnswerHub, TooManySubscribers
from facegauge_gateway.forward.monitored_stream import MonitoredStream
from facegauge_gateway.log import Log
from facegauge_gateway.whip_door.sampler import Sampler
from facegauge_gateway.whip_door.settings import WhipSettings
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics

__all__ = ["CHANNEL_LABEL", "WhipSession"]

Work: TypeAlias = Coroutine[Any, Any, None]
CHANNEL_LABEL = "facegauge"
"""Label of the data channel on which a publisher gets its answers, as lines of JSON."""
MAX_BUFFERED_BYTES = 64 * 1024
"""Answers that wait in a data channel; more are dropped."""


@dataclass(eq=False)
class WhipSession:
    """A session from its offer to its end; `run` carries it.

    The stream at the server is open when it is made, and ends with it.
    """

    stream: MonitoredStream
    resources: AsyncExitStack
    """What ends after the session: the stream, and a client of its own where there is one."""
    address: str
    """The publisher's."""
    authorization: str
    """What it showed, and must show again to end the session."""
    settings: WhipSettings
    hub: AnswerHub
    metrics: WhipMetrics
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def __post_init__(self) -> None:
        self.log = Log(stream_id=self.stream.settings.stream_id, publisher=self.address)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # asks no one for its address
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_picture = asyncio.Event()
        self._has_channel = False
        self._peer.on("track", self._take_track)
        self._peer.on("datachannel", self._take_channel)
        self._peer.on("connectionstatechange", self._take_state)

    async def answer(self, offer: RTCSessionDescription) -> str:
        """Return the SDP answer to an offer; raises whatever aiortc stumbles over."""
        await self._peer.setRemoteDescription(offer)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return str(self._peer.localDescription.sdp)

    def end(self, reason: str) -> None:
        """Let `run` end the session; the first reason counts."""
        if not self._over.done():
            self._over.set_result(reason)

    async def run(self) -> None:
        """Carry the session until its end, and leave nothing of it behind."""
        self._start(self._expect_picture())
        self._start(self._watch_stream())
        try:
            reason = await asyncio.shield(self._over)
        finally:
            await self.close()
        self.metrics.ended.labels(reason).inc()
        self.log.info("publisher gone", reason=reason)

    async def close(self) -> None:
        """Close the connection and the stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._peer.close()
        await self.resources.aclose()

    def _start(self, work: Work) -> None:
        task: asyncio.Task[None] = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Work) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - a defect ends its session alone
            self.log.defect("a session failed", error)
            self.end("failed")

    # Events of the peer

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._start(self._sample(track))
        else:
            self._start(_discard(track))

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL_LABEL:
            return
        if self._has_channel:  # one reader of the hub's for each publisher
            channel.close()
            return
        self._has_channel = True
        self._start(self._send_answers(channel))

    def _take_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self.end("disconnected")

    # Work

    async def _expect_picture(self) -> None:
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._has_picture.wait()
        except TimeoutError:
            self.end("no_media")

    async def _watch_stream(self) -> None:
        await self.stream.ended.wait()
        self.end("server")

    async def _sample(self, track: MediaStreamTrack) -> None:
        """Send as many pictures as are scored; the others are decoded, since later ones build on them."""
        sampler = Sampler(self.stream.settings.max_fps)
        pictures = self.metrics.pictures
        while True:
            try:
                picture = await track.recv()
            except MediaStreamError:
                self.end("disconnected")
                return
            assert isinstance(picture, VideoFrame)  # noqa: S101 - narrows: the track is video
            self._has_picture.set()
            capture_time_s = float(picture.time or 0.0)
            if picture.width * picture.height > self.settings.max_frame_pixels:
                pictures.labels("too_large").inc()
            elif sampler.wants(capture_time_s):
                pictures.labels("sampled").inc()
                self.stream.send(picture, capture_time_s)
            else:
                pictures.labels("passed_over").inc()

    async def _send_answers(self, channel: RTCDataChannel) -> None:
        try:
            async with self.hub.subscribe(self.stream.settings.stream_id) as answers:
                async for answer in answers:
                    if channel.readyState != "open":
                        return
                    if channel.bufferedAmount > MAX_BUFFERED_BYTES:
                        self.metrics.channel_dropped.inc()
                    else:
                        channel.send(answer.line)
        except TooManySubscribers as error:
            self.log.warning("no answers for a publisher", reason=str(error))
            channel.close()


async def _discard(track: MediaStreamTrack) -> None:
    """Read what nobody wants: aiortc decodes it all the same, and keeps what is not read without bound.

    The answer cannot decline it: RFC 9725 asks for `recvonly`.
    """
    with contextlib.suppress(MediaStreamError):
        while True:
            await track.recv()
