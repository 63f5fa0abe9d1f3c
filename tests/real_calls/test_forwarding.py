"""The media server forwards what the browser sends, and passes on what the receiver asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.real_call.call import CODECS, calling
from bench.real_call.chromium import Browser
from bench.real_call.janus import Janus
from bench.real_call.lossy_path import lossy_path
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.receiver import StreamReceiver

from .conftest import FPS, HEIGHT, WIDTH

SSRC, PAYLOAD_TYPE = 77, 96
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Receiver(asyncio.DatagramProtocol):
    """Puts the packets of a call together and sends its feedback to where they come from."""

    def __init__(self, codec: Codec) -> None:
        self._receiver = StreamReceiver({PAYLOAD_TYPE: codec})
        self.transport: asyncio.DatagramTransport | None = None
        self.units = 0
        self.keyframes = 0

    def need_keyframe(self) -> None:
        self._receiver.need_keyframe()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        now_s = asyncio.get_running_loop().time()
        packet = RtpPacket.parse(data)
        if packet.ssrc != SSRC:
            return
        for unit in self._receiver.receive(packet, now_s):
            self.units += 1
            self.keyframes += unit.keyframe
        feedback = self._receiver.feedback(now_s)
        if feedback is not None and self.transport is not None:
            self.transport.sendto(feedback, address)


@asynccontextmanager
async def closed(transport: asyncio.BaseTransport) -> AsyncIterator[None]:
    """Close a transport at the end of the block."""
    try:
        yield
    finally:
        transport.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", CODECS)
async def test_a_keyframe_comes_when_it_is_asked_for(browser: Browser, janus: Janus, name: str) -> None:
    """Units of a real call come whole in every codec, and a picture loss indication reaches the browser."""
    codec = CODECS[name]
    loop = asyncio.get_running_loop()
    receiving, receiver = await loop.create_datagram_endpoint(
        lambda: Receiver(Codec[codec.name.upper()]), local_addr=("127.0.0.1", 0)
    )
    receiver.transport = receiving
    async with (
        closed(receiving),
        calling(browser, janus, codec, width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=800) as call,
        lossy_path(receiving.get_extra_info("sockname")) as path,
    ):
        await call.forward(path.port, ssrc=SSRC, payload_type=PAYLOAD_TYPE)
        async with asyncio.timeout(60):
            while receiver.units < 10:
                await asyncio.sleep(0.05)
            before = receiver.keyframes
            receiver.need_keyframe()
            while receiver.keyframes == before:
                await asyncio.sleep(0.05)
        sent = await call.sent()
    assert sent["mimeType"] == codec.mime_type
    assert sent["pliCount"] >= 1
    assert path.plis >= 1
    assert (sent["frameWidth"], sent["frameHeight"]) == (WIDTH, HEIGHT)
    if codec.scalability_mode:
        assert sent["scalabilityMode"] == codec.scalability_mode
