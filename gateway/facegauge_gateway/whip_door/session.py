"""One publisher: its peer connection, its camera to the server, and the answers back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection

from facegauge_gateway.answers.hub import AnswerHub, TooManySubscribers
from facegauge_gateway.forward.monitored_stream import MonitoredStream
from facegauge_gateway.log import Log
from facegauge_gateway.sources import FaultLog
from facegauge_gateway.whip_door.aiortc_receiver import PacketReceiver, discard_packets, take_packets
from facegauge_gateway.whip_door.camera import Camera
from facegauge_gateway.whip_door.camera_feed import CameraFeed
from facegauge_gateway.whip_door.offer import Offer
from facegauge_gateway.whip_door.settings import WhipSettings
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics

__all__ = ["CHANNEL_LABEL", "WhipSession"]

Work: TypeAlias = Coroutine[Any, Any, None]
CHANNEL_LABEL = "facegauge"
"""Label of the data channel on which a publisher gets its answers, as lines of JSON."""
MAX_BUFFERED_BYTES = 64 * 1024
"""Answers that wait in a data channel; more are dropped."""
TICK_S = 0.02
"""How often what waits is looked at, and RTCP sent that no packet brings about."""


@dataclass(eq=False)
class WhipSession:
    """A session from its offer to its end; `run` carries it.

    The stream at the server is open when it is made, and ends with it.
    """

    camera: Camera
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
        self._has_channel = False
        self._feed = CameraFeed(
            self.camera, self.stream, FaultLog(self.camera.statistics, self.log), self._fail
        )
        self._receiver: PacketReceiver | None = None
        self._peer.on("datachannel", self._take_channel)
        self._peer.on("connectionstatechange", self._take_state)

    async def answer(self, offer: Offer) -> str:
        """Return the SDP answer to an offer; raises whatever aiortc stumbles over."""
        await self._peer.setRemoteDescription(offer.description)
        for transceiver in self._peer.getTransceivers():
            if transceiver.kind == "video":
                self._receiver = take_packets(transceiver, offer.video.answered, self._feed)
            else:
                discard_packets(transceiver)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return str(self._peer.localDescription.sdp)

    def end(self, reason: str) -> None:
        """Let `run` end the session; the first reason counts."""
        if not self._over.done():
            self._over.set_result(reason)

    async def run(self) -> None:
        """Carry the session until its end, and leave nothing of it behind."""
        self._start(self._keep_time())
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
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.log.defect("a session failed", error)
        self.end("failed")

    # Events of the peer

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

    async def _keep_time(self) -> None:
        """Do what waits, and end the session of a camera that has not come, or has gone silent."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            self._feed.poll()
            if self._receiver is not None:
                await self._receiver.send_feedback()
            now_s = loop.time()
            if not self.camera.has_unit:
                if now_s - begun_s > self.settings.connect_timeout_s:
                    self.end("no_media")
            elif now_s - self.camera.last_packet_s > self.settings.idle_timeout_s:
                self.end("idle")

    async def _watch_stream(self) -> None:
        await self.stream.ended.wait()
        self.end("server")

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
