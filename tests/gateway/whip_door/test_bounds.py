"""No publisher takes more than its share, whatever it sends beside its camera."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpSender
from aiortc.mediastreams import AudioStreamTrack

from tests.end_to_end.conftest import ServerProcess, StartServerProcess
from tests.gateway.conftest import StartGateway
from tests.gateway.gateway_process import DEADLINE_S

from .publisher import published
from .session import publishing_session

Picture = npt.NDArray[np.uint8]
AUDIO_PACKETS = 50
"""A second of audio: more than aiortc holds back before it decodes."""


async def packets_sent(sender: RTCRtpSender) -> int:
    report = await sender.getStats()
    return sum(one.packetsSent for one in report.values() if one.type == "outbound-rtp")


async def test_audio_is_read_away(server: ServerProcess, astronaut: Picture) -> None:
    """OBS and browsers send it with their video: nothing of it waits, and nothing at all is decoded here."""
    async with publishing_session(server, astronaut, AudioStreamTrack()) as (session, publisher):
        (audio,) = (one for one in publisher.getSenders() if one.kind == "audio")
        async with asyncio.timeout(DEADLINE_S):
            while await packets_sent(audio) < AUDIO_PACKETS or not session.camera.has_unit:
                await asyncio.sleep(0.02)
        assert not [one.name for one in threading.enumerate() if one.name.endswith("-decoder")]
        for receiver in session._peer.getReceivers():
            assert receiver.track._queue.empty()  # type: ignore[attr-defined]  # aiortc's remote track


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


async def test_bits_beyond_the_limit_are_dropped(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """They are counted and explained, and the publisher keeps its place."""
    gateway = start_gateway(server.listen, "whip", "--max-stream-mbps", "0.1")
    async with published(f"{gateway.http}/whip/whip-bits", astronaut, sway_px=80):
        await asyncio.to_thread(
            gateway.wait_for,
            lambda: gateway.metric("rtp_refused_total", reason="bitrate") > 0,
            "nothing is dropped",
        )
        assert gateway.metric("whip_sessions") == 1
        assert "--max-stream-mbps" in gateway.log


async def test_a_picture_beyond_the_servers_limit(
    start_server_process: StartServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """The server's answer names the limit, and reaches the publisher."""
    small = start_server_process("--max-frame-pixels", "100000")
    gateway = start_gateway(small.listen, "whip")
    async with published(f"{gateway.http}/whip/whip-large", astronaut) as publisher:
        answer = await publisher.answer(result="error")
        assert "640x480" in answer["error"]
        assert "--max-frame-pixels" in answer["error"]
