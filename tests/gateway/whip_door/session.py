"""A publisher by aiortc and its session in the test's own process, with a real stream at a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
import numpy.typing as npt
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from facegauge_client import Client, FrameEncoding
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import MonitoredStream, StreamSettings
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.sources import Refusals
from facegauge_gateway.whip_door import CameraLimits, WhipSettings
from facegauge_gateway.whip_door.camera import Camera
from facegauge_gateway.whip_door.offer import parse_offer
from facegauge_gateway.whip_door.session import WhipSession
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics
from tests.end_to_end.conftest import ServerProcess

from .publisher import camera_peer, make_offer

__all__ = ["publishing_session"]


@asynccontextmanager
async def publishing_session(
    server: ServerProcess, picture: npt.NDArray[np.uint8], *more: MediaStreamTrack
) -> AsyncIterator[tuple[WhipSession, RTCPeerConnection]]:
    """Publish a picture, and more tracks; the session runs within the block."""
    settings = StreamSettings(stream_id="whip-session", encoding=FrameEncoding.VP8)
    metrics = Metrics()
    hub = AnswerHub(metrics)
    refuse = Refusals(metrics.registry, Log()).refuse
    async with Client(server.listen) as client, camera_peer(picture) as publisher:
        for track in more:
            publisher.addTransceiver(track, direction="sendonly")
        offer = parse_offer(await make_offer(publisher))
        camera = Camera(offer.video, CameraLimits(), refuse, asyncio.get_running_loop().time())
        stack = AsyncExitStack()
        stream = MonitoredStream(client, settings, hub, metrics, camera.need_keyframe)
        await stack.enter_async_context(stream)
        door = WhipSettings(stream=settings)
        session = WhipSession(camera, stream, stack, "", "", door, hub, WhipMetrics(metrics.registry))
        try:
            answer = await session.answer(offer)
            running = asyncio.create_task(session.run())
            await publisher.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
            yield session, publisher
            session.end("deleted")
            await running
        finally:
            await session.close()
