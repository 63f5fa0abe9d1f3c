"""No publisher takes more than its share, whatever it sends beside its camera."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import numpy as np
import numpy.typing as npt
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from aiortc.rtcrtpreceiver import RemoteStreamTrack

from facegauge_client import Client
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import MonitoredStream, StreamSettings
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.whip_door import WhipSettings
from facegauge_gateway.whip_door.session import WhipSession
from facegauge_gateway.whip_door.whip_metrics import WhipMetrics
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway

from .publisher import DEADLINE_S, camera_peer, make_offer, published

Picture = npt.NDArray[np.uint8]
AUDIO_PACKETS = 50
"""A second of audio: more than aiortc holds back before it decodes."""


async def packets_received(peer: RTCPeerConnection, kind: str) -> int:
    report = await peer.getStats()
    return sum(
        one.packetsReceived for one in report.values() if one.type == "inbound-rtp" and one.kind == kind
    )


async def test_audio_is_not_kept(
    client: Client, hub: AnswerHub, metrics: Metrics, astronaut: Picture
) -> None:
    """OBS and browsers send it with their video; nothing of it waits in the gateway."""
    stream_settings = StreamSettings(stream_id="whip-audio")
    resources = AsyncExitStack()
    stream = await resources.enter_async_context(MonitoredStream(client, stream_settings, hub, metrics))
    settings = WhipSettings(stream=stream_settings)
    session = WhipSession(stream, resources, "", "", settings, hub, WhipMetrics(metrics.registry))
    try:
        async with camera_peer(astronaut) as publisher:
            publisher.addTransceiver(AudioStreamTrack(), direction="sendonly")
            offer = RTCSessionDescription(sdp=await make_offer(publisher), type="offer")
            answer = await session.answer(offer)
            running = asyncio.create_task(session.run())
            await publisher.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
            tracks = [one.track for one in session._peer.getReceivers()]
            (audio,) = (
                track for track in tracks if isinstance(track, RemoteStreamTrack) and track.kind == "audio"
            )
            async with asyncio.timeout(DEADLINE_S):
                while await packets_received(session._peer, "audio") < AUDIO_PACKETS:
                    await asyncio.sleep(0.02)
                while audio._queue.qsize():
                    await asyncio.sleep(0.02)
            session.end("deleted")
            await running
    finally:
        await session.close()


async def test_one_channel_of_answers(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """A second one is closed, so that a publisher takes one place among those who read answers."""
    gateway = start_gateway(server.listen, "whip")
    async with published(f"{gateway.http}/whip/whip-channels", astronaut) as publisher:
        await publisher.answer(result="scored")
        readers = gateway.metric("subscribers")
        closed = asyncio.Event()
        publisher.peer.createDataChannel("facegauge").on("close", closed.set)
        async with asyncio.timeout(DEADLINE_S):
            await closed.wait()
        assert gateway.metric("subscribers") == readers
        await publisher.answer(result="scored")
