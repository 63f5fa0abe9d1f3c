"""An answer names what the server decodes, in the publisher's order."""

from __future__ import annotations

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.sdp import SessionDescription

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.whip_door.aiortc_receiver import take_packets
from facegauge_gateway.whip_door.offer import parse_offer

HEAD = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=video 9 UDP/TLS/RTP/SAVPF {numbers}
c=IN IP4 0.0.0.0
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdabcdabcdabcdabcdabcd
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:0
a=sendonly
"""
FINGERPRINT = ":".join(["00"] * 32)
VP8 = "VP8/90000", ""
VP9 = "VP9/90000", "profile-id=0"
VP9_10_BITS = "VP9/90000", "profile-id=2"
AV1 = "AV1/90000", "level-idx=5;profile=0;tier=0"
HIGH = "H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640028"
HIGH_444 = "H264/90000", "packetization-mode=1;profile-level-id=f4001f"
INTERLEAVED = "H264/90000", "packetization-mode=2;profile-level-id=42e01f"


def offer(**codecs: tuple[str, str]) -> str:
    """An offer with these payload types, each with a retransmission of the next higher number."""
    lines = HEAD.format(
        numbers=" ".join(f"{name[1:]} {int(name[1:]) + 1}" for name in codecs), fingerprint=FINGERPRINT
    )
    for name, (codec, parameters) in codecs.items():
        number = int(name[1:])
        lines += f"a=rtpmap:{number} {codec}\na=rtcp-fb:{number} nack\na=rtcp-fb:{number} nack pli\n"
        lines += f"a=rtcp-fb:{number} transport-cc\n"
        lines += f"a=fmtp:{number} {parameters}\n" * bool(parameters)
        lines += f"a=rtpmap:{number + 1} rtx/90000\na=fmtp:{number + 1} apt={number}\n"
    return lines.replace("\n", "\r\n")


class Nobody:
    """Takes no packet: none comes."""

    def take_packet(self, packet: object, arrival_time_ms: int) -> None:
        raise NotImplementedError

    def take_rtcp(self, packet: object) -> None:
        raise NotImplementedError

    def take_feedback(self) -> list[bytes]:
        raise NotImplementedError


async def answered(sdp: str) -> list[tuple[int, str]]:
    """Payload types and codecs of the answer that aiortc writes."""
    read = parse_offer(sdp)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        await peer.setRemoteDescription(read.description)
        (transceiver,) = peer.getTransceivers()
        take_packets(transceiver, read.video.answered, Nobody())
        (media,) = SessionDescription.parse((await peer.createAnswer()).sdp).media
        for codec in media.rtp.codecs:
            kinds = {(one.type, one.parameter) for one in codec.rtcpFeedback}
            assert kinds == (set() if codec.name == "rtx" else {("nack", None), ("nack", "pli")})
        return [(codec.payloadType or 0, codec.name) for codec in media.rtp.codecs]
    finally:
        await peer.close()


@pytest.mark.parametrize(
    ("codec", "name"), [(VP8, "VP8"), (VP9, "VP9"), (AV1, "AV1"), (HIGH, "H264")], ids=str
)
@pytest.mark.parametrize("number", ["_45", "_98"])
async def test_each_codec_alone(codec: tuple[str, str], name: str, number: str) -> None:
    """Also those that aiortc does not know, and Chromium's payload types below 96."""
    sdp = offer(**{number: codec})
    assert await answered(sdp) == [(int(number[1:]), name), (int(number[1:]) + 1, "rtx")]


async def test_the_publishers_order_is_kept() -> None:
    """It sends the first; what cannot be decoded is not in the answer, nor are its retransmissions."""
    sdp = offer(_100=VP9_10_BITS, _102=HIGH_444, _45=AV1, _104=INTERLEAVED, _98=VP9, _96=VP8)
    assert await answered(sdp) == [
        *((45, "AV1"), (46, "rtx"), (98, "VP9"), (99, "rtx"), (96, "VP8"), (97, "rtx")),
    ]
    video = parse_offer(sdp).video
    assert video.first is Codec.AV1
    assert video.by_payload_type == {45: Codec.AV1, 98: Codec.VP9, 96: Codec.VP8}
    assert video.repeats == {46: 45, 99: 98, 97: 96}
    assert video.can_retransmit


def test_a_publisher_that_sends_nothing_again() -> None:
    """Without NACK in its offer nothing is asked for again."""
    sdp = "".join(line for line in offer(_96=VP8).splitlines(keepends=True) if not line.endswith(" nack\r\n"))
    assert not parse_offer(sdp).video.can_retransmit
