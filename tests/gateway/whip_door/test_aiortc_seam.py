"""What is used of aiortc beneath its documented interface is as it was read."""

from __future__ import annotations

import asyncio
import importlib.metadata

import numpy as np
import numpy.typing as npt
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

from facegauge_gateway.whip_door import aiortc_receiver
from facegauge_gateway.whip_door.aiortc_receiver import PacketReceiver
from facegauge_gateway.whip_door.offer import parse_offer
from tests.end_to_end.conftest import ServerProcess
from tests.gateway.gateway_process import DEADLINE_S

from .publisher import camera_peer, make_offer
from .session import publishing_session

Picture = npt.NDArray[np.uint8]


def test_the_version_that_was_read() -> None:
    """Another one may do other things beneath the same names: read it, then change this and the bound."""
    assert importlib.metadata.version("aiortc").startswith("1.16.")
    (bound,) = (one for one in importlib.metadata.requires("facegauge-gateway") or [] if "aiortc" in one)
    assert "<1.17" in bound


async def test_packets_come_to_us_and_rtcp_goes_out(server: ServerProcess, astronaut: Picture) -> None:
    """Retransmissions are unwrapped, reports of the sender come, and our receiver's reports arrive."""
    async with publishing_session(server, astronaut) as (session, publisher), asyncio.timeout(DEADLINE_S):
        (receiver,) = session._peer.getReceivers()
        assert isinstance(receiver, PacketReceiver)
        (sender,) = publisher.getSenders()
        while not session.camera.has_unit or session.camera.statistics.reports < 2:
            await asyncio.sleep(0.02)
        assert session.camera.ssrc == sender._ssrc
        while not any(one.type == "remote-inbound-rtp" for one in (await sender.getStats()).values()):
            await asyncio.sleep(0.02)
        sent = sender._RTCRtpSender__rtp_history  # type: ignore[attr-defined]  # by number, of some seconds
        await sender._retransmit(next(iter(sent.values())).sequence_number)
        while not session.camera.statistics.retransmitted:
            await asyncio.sleep(0.02)


async def test_another_inside_of_aiortc_is_told(astronaut: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a transceiver keeps its receiver elsewhere, nobody is admitted, and the error says what to do."""
    monkeypatch.setattr(aiortc_receiver, "RECEIVER", "_elsewhere")
    async with camera_peer(astronaut) as publisher:
        offer = parse_offer(await make_offer(publisher))
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        await peer.setRemoteDescription(RTCSessionDescription(sdp=offer.description.sdp, type="offer"))
        (transceiver,) = peer.getTransceivers()
        with pytest.raises(RuntimeError, match=r"install aiortc 1\.16"):
            aiortc_receiver.discard_packets(transceiver)
        assert type(transceiver.receiver) is RTCRtpReceiver
    finally:
        await peer.close()
