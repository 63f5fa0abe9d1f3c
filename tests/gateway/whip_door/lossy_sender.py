"""A publisher's packets on their way, some of which are lost, with a record of what came through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from aiortc import RTCPeerConnection
from aiortc.rtp import RtcpPsfbPacket, RtpPacket, is_rtcp

from bench.real_call.lossy_path import Passed

__all__ = ["LossySender", "Sent"]


class Sent(NamedTuple):
    """A packet of a picture that is about to be sent."""

    picture: int
    """Number of its picture, from 0."""
    packet: int
    """Number within the picture, from 0."""
    is_retransmission: bool


class LossySender:
    """Stands before the transport of a publisher's camera, where packets are not encrypted yet.

    `is_lost` decides on each packet. A picture's packet has arrived if the first or any later try did.
    """

    def __init__(self, peer: RTCPeerConnection, is_lost: Callable[[Sent], bool]) -> None:
        (sender,) = (one for one in peer.getSenders() if one.kind == "video")
        self._sender: Any = sender
        self._is_lost = is_lost
        self._pictures: dict[int, int] = {}
        self._places: Counter[int] = Counter()
        self._packets: dict[int, tuple[Sent, Passed]] = {}
        """By sequence number: of one test, which wraps around at most once."""
        self._send = sender.transport._send_rtp
        sender.transport._send_rtp = self._filter  # type: ignore[method-assign]
        self.keyframe_requests = 0
        asked = sender._handle_rtcp_packet

        async def count(packet: Any) -> None:
            self.keyframe_requests += isinstance(packet, RtcpPsfbPacket) and packet.fmt == 1
            await asked(packet)

        sender._handle_rtcp_packet = count  # type: ignore[method-assign]

    @property
    def record(self) -> list[Passed]:
        """Every packet of the camera, in the order of its first sending."""
        return [passed for _, passed in self._packets.values()]

    @property
    def pictures(self) -> int:
        """How many have been sent, at least in part."""
        return len(self._pictures)

    def packets_of(self, picture: int) -> int:
        """Of how many packets a picture was."""
        return self._places[picture]

    async def _filter(self, data: bytes) -> None:
        if is_rtcp(data):
            await self._send(data)
            return
        packet = RtpPacket.parse(data)
        if packet.ssrc == self._sender._rtx_ssrc:
            number = int.from_bytes(packet.payload[:2])
            sent, passed = self._packets[number]
            sent = sent._replace(is_retransmission=True)
        elif packet.ssrc == self._sender._ssrc:
            number = packet.sequence_number
            picture = self._pictures.setdefault(packet.timestamp, len(self._pictures))
            place = self._places[picture] = self._places[picture] + 1
            sent, passed = Sent(picture, place - 1, is_retransmission=False), Passed(0.0, data, arrived=False)
        else:
            await self._send(data)
            return
        is_lost = self._is_lost(sent)
        arrived = passed.arrived or not is_lost
        self._packets[number] = sent._replace(is_retransmission=False), replace(passed, arrived=arrived)
        if not is_lost:
            await self._send(data)
