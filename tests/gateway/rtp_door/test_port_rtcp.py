"""RTCP that comes to a port reaches the streams that it is about."""

from __future__ import annotations

import dataclasses

from aiortc.rtp import RtcpByePacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket

from facegauge_gateway.rtp_door.names import Names
from facegauge_gateway.rtp_door.port_streams import PortStreams
from tests.gateway.rtp_streams import packet, serialise

from .conftest import MakePort

RTP, RTCP, ELSEWHERE = ("10.0.0.1", 4000), ("10.0.0.1", 4001), ("10.0.0.2", 4001)
KEY = b"\x10\x00\x00\x00"
FIRST, SECOND = 1, 2
JOINED_S, LATER_S = 0.0, 1.5


def port_of_two(make_port: MakePort) -> tuple[PortStreams, list[tuple[int, tuple[str, int]]]]:
    """A port with two streams, and what it sends from now on: the SSRC of each report, and where to."""
    port = make_port(Names())
    sent: list[tuple[int, tuple[str, int]]] = []
    port.begin(5004, lambda data, to: sent.append((int.from_bytes(data[8:12], "big"), to)))
    for ssrc in (FIRST, SECOND):
        for number in (0, 1):
            one = dataclasses.replace(packet(number, payload=KEY), ssrc=ssrc)
            port.take(serialise(one), RTP, JOINED_S)
    return port, sent


def reports(*ssrcs: int) -> bytes:
    """One compound with a sender report of each source."""
    info = RtcpSenderInfo(ntp_timestamp=1 << 32, rtp_timestamp=0, packet_count=2, octet_count=8)
    return b"".join(bytes(RtcpSrPacket(ssrc, info)) for ssrc in ssrcs)


async def test_a_compound_reports_on_several_sources(make_port: MakePort) -> None:
    """Feedback on each goes to where the compound came from, and not to the port of RTP."""
    port, sent = port_of_two(make_port)
    port.take(reports(FIRST, SECOND), RTCP, JOINED_S)
    port.poll(LATER_S)
    assert sorted(sent) == [(FIRST, RTCP), (SECOND, RTCP)]
    port.drop_all()


async def test_a_source_without_packets_yet_reports_as_a_receiver(make_port: MakePort) -> None:
    """A receiver report names its sender too (RFC 3550, 6.4.2)."""
    port, sent = port_of_two(make_port)
    port.take(bytes(RtcpRrPacket(FIRST, [RtcpReceiverInfo(9, 0, 0, 0, 0, 0, 0)])), RTCP, JOINED_S)
    port.poll(LATER_S)
    assert sorted(sent) == [(FIRST, RTCP), (SECOND, RTP)]
    port.drop_all()


async def test_a_goodbye_ends_its_source_alone(make_port: MakePort) -> None:
    """Behind a report on another one, in the same compound."""
    port, _ = port_of_two(make_port)
    port.take(reports(FIRST) + bytes(RtcpByePacket([SECOND])), RTCP, JOINED_S)
    port.poll(LATER_S)
    assert port.sources == (FIRST,)
    port.drop_all()


async def test_nobody_else_reports_on_a_source(make_port: MakePort) -> None:
    """Another host takes no feedback away, and ends nothing."""
    port, sent = port_of_two(make_port)
    port.take(reports(FIRST, SECOND) + bytes(RtcpByePacket([SECOND])), ELSEWHERE, JOINED_S)
    port.poll(LATER_S)
    assert sorted(sent) == [(FIRST, RTP), (SECOND, RTP)]
    assert port.sources == (FIRST, SECOND)
    port.drop_all()
