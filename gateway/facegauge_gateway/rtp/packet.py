"""One RTP packet (RFC 3550, 5.1), and how to tell it from RTCP on one port (RFC 5761, 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from facegauge_gateway.rtp.bad_packet import BadPacket

__all__ = ["TAKEN_BY_RTCP", "RtpPacket", "is_rtcp"]

FIXED_HEADER = struct.Struct("!BBHII")
EXTENSION_HEADER = struct.Struct("!HH")
VERSION = 2
RTCP_TYPES = range(192, 224)
TAKEN_BY_RTCP = range(64, 96)
"""Payload types that, with the marker before them, are RTCP's packet types (RFC 5761, 4)."""


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram of a port for both is RTCP: RTP has no payload type of `TAKEN_BY_RTCP` there."""
    return len(data) >= 2 and data[1] in RTCP_TYPES


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """What is used of a packet; contributing sources and header extensions are checked and passed over.

    aiortc's class refuses a packet for a header extension that it cannot read, which a receiver may ignore
    (RFC 3550, 5.3.1), and does not say by a label what is wrong with one.
    """

    payload_type: int
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits, of the payload format's clock."""
    ssrc: int
    marker: bool
    payload: bytes
    """Without padding, so that a packet of padding alone has none."""

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Read a datagram; raises BadPacket."""
        if len(data) < FIXED_HEADER.size:
            raise BadPacket("short", f"{len(data)} bytes are no RTP packet: its header alone has 12")
        first, second, sequence, timestamp, ssrc = FIXED_HEADER.unpack_from(data)
        if first >> 6 != VERSION:
            raise BadPacket("version", f"RTP version {first >> 6}, where only {VERSION} exists: is it RTP?")
        start = FIXED_HEADER.size + 4 * (first & 0x0F)
        end = len(data)
        if first & 0x10:
            if start + EXTENSION_HEADER.size > end:
                raise BadPacket("extension", "the packet ends within the header of its header extension")
            _, words = EXTENSION_HEADER.unpack_from(data, start)
            start += EXTENSION_HEADER.size + 4 * words
        if start > end:
            raise BadPacket("short", f"the packet has {end} bytes, its headers say that they take {start}")
        if first & 0x20:
            padding = data[-1]
            if not 0 < padding <= end - start:
                raise BadPacket("padding", f"{padding} bytes of padding in a payload of {end - start}")
            end -= padding
        return cls(second & 0x7F, sequence, timestamp, ssrc, bool(second & 0x80), data[start:end])
