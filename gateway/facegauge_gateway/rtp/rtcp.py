"""RTCP compounds (RFC 3550, 6): written by aiortc's classes, read here as far as a receiver needs them.

aiortc refuses a whole compound for one packet that it cannot read, and a sender report with a profile's
extension (6.4.1); a receiver passes over what it does not know (6.1).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
)

from facegauge_gateway.rtp.bad_packet import BadPacket

__all__ = ["Goodbye", "SenderReport", "read_rtcp", "write_feedback"]

HEADER = struct.Struct("!BBH")
SENDER_INFO = struct.Struct("!IQI")
SR, BYE = 200, 203
SDES_CNAME = 1


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A source's clock at one instant (RFC 3550, 6.4.1)."""

    ssrc: int
    ntp_timestamp: int
    """64 bits: seconds since 1900 and their fraction."""
    rtp_timestamp: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A source has left (RFC 3550, 6.6)."""

    ssrc: int


def read_rtcp(data: bytes) -> list[SenderReport | Goodbye]:
    """Read what a compound says of its sources; raises BadPacket where it is none (RFC 3550, A.2)."""
    found: list[SenderReport | Goodbye] = []
    at = 0
    while at < len(data):
        if len(data) - at < HEADER.size:
            raise BadPacket("rtcp", f"an RTCP compound of {len(data)} bytes ends within a header")
        first, kind, words = HEADER.unpack_from(data, at)
        end = at + HEADER.size + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise BadPacket(
                "rtcp", f"an RTCP packet of version {first >> 6} ends at {end} of {len(data)} bytes"
            )
        body = data[at + HEADER.size : end]
        if kind == SR and len(body) >= SENDER_INFO.size:
            found.append(SenderReport(*SENDER_INFO.unpack_from(body)))
        elif kind == BYE:
            count = min(first & 0x1F, len(body) // 4)
            found += map(Goodbye, struct.unpack_from(f"!{count}I", body))
        at = end
    return found


def write_feedback(
    receiver_ssrc: int,
    cname: str,
    report: RtcpReceiverInfo,
    *,
    asks_for_keyframe: bool = False,
    missing: Sequence[int] = (),
) -> bytes:
    """Write a receiver report and, where asked for, a PLI and a NACK about the same source.

    A compound begins with a report and names its sender (RFC 3550, 6.1); feedback follows (RFC 4585, 3.1).
    `missing` are packets in their order, unwrapped.
    """
    source = RtcpSourceInfo(receiver_ssrc, [(SDES_CNAME, cname.encode())])
    compound = bytes(RtcpRrPacket(receiver_ssrc, [report])) + bytes(RtcpSdesPacket([source]))
    if asks_for_keyframe:
        compound += bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, receiver_ssrc, report.ssrc))
    for _, cycle in groupby(missing, lambda number: number >> 16):  # aiortc's class knows no wrap-around
        numbers = [number & 0xFFFF for number in cycle]
        compound += bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, receiver_ssrc, report.ssrc, numbers))
    return compound
