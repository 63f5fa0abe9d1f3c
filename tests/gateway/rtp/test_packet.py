"""RTP headers, and telling RTP from RTCP."""

from __future__ import annotations

import struct

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import RTCP_PSFB, HeaderExtensionsMap, RtcpPsfbPacket, RtcpRrPacket
from aiortc.rtp import RtpPacket as AiortcPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.packet import RtpPacket, is_rtcp

HEADER = struct.pack("!BBHII", 0x80, 96, 1, 2, 3)


@settings(deadline=None)
@given(
    payload_type=st.integers(96, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    sources=st.lists(st.integers(0, 2**32 - 1), max_size=15),
    payload=st.binary(max_size=50),
    padding=st.integers(0, 255),
    has_extension=st.booleans(),
)
def test_what_aiortc_writes_is_read(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    sources: list[int],
    payload: bytes,
    padding: int,
    has_extension: bool,
) -> None:
    """Whatever else a packet carries, what is used of it is found."""
    written = AiortcPacket(payload_type, int(marker), sequence, timestamp, ssrc, payload)
    written.csrc, written.padding_size = sources, padding
    extensions = HeaderExtensionsMap()
    if has_extension:
        uri = "urn:ietf:params:rtp-hdrext:sdes:mid"
        extensions.configure(RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(1, uri)]))
        written.extensions.mid = "video"
    data = written.serialize(extensions)
    assert RtpPacket.parse(data) == RtpPacket(payload_type, sequence, timestamp, ssrc, marker, payload)
    assert not is_rtcp(data)


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"", "short", "0 bytes are no RTP packet"),
        (HEADER[:11], "short", "11 bytes are no RTP packet"),
        (b"\x00" + HEADER[1:], "version", "RTP version 0"),
        (b"\x8f" + HEADER[1:], "short", "headers say that they take 72"),
        (b"\x90" + HEADER[1:] + b"\xbe\xde", "extension", "ends within the header of its header extension"),
        (b"\x90" + HEADER[1:] + b"\xbe\xde\xff\xff", "short", "take 262156"),
        (b"\xa0" + HEADER[1:] + b"\x00\x03", "padding", "3 bytes of padding in a payload of 2"),
        (b"\xa0" + HEADER[1:] + b"\x00\x00", "padding", "0 bytes of padding"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, reason: str, message: str) -> None:
    """Each kind of bytes that is no packet has its sentence and its label."""
    with pytest.raises(BadPacket, match=message) as raised:
        RtpPacket.parse(data)
    assert raised.value.reason == reason


def test_a_header_extension_is_passed_over_whatever_it_holds() -> None:
    """Its length alone counts: an element that is cut short is no reason to lose video."""
    truncated = b"\xbe\xde\x00\x01" + b"\x1f\x00\x00\x00"
    assert RtpPacket.parse(b"\x90" + HEADER[1:] + truncated + b"video").payload == b"video"


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_a_packet_or_bad(data: bytes) -> None:
    """No bytes bring another exception."""
    try:
        packet = RtpPacket.parse(data)
    except BadPacket:
        return
    assert len(packet.payload) <= len(data) - 12


def test_rtcp_is_told_by_its_type() -> None:
    """Reports and feedback go to RTCP on a multiplexed port, video with and without a marker does not."""
    assert is_rtcp(bytes(RtcpRrPacket(1)))
    assert is_rtcp(bytes(RtcpPsfbPacket(1, 1, 2)))
    assert bytes(RtcpPsfbPacket(1, 1, 2))[1] == RTCP_PSFB
    for payload_type in range(96, 128):
        for marker in (0, 1):
            assert not is_rtcp(AiortcPacket(payload_type, marker).serialize())
    assert not is_rtcp(b"\x80")
