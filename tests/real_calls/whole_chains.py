"""Which pictures of a recorded path can be decoded: by the payload formats' rules, and by nothing of ours.

A picture counts if all of its packets arrived, and those of every picture since the last keyframe, the
keyframe's own included. That is enough for calls without layers; of those with temporal layers, the base
layer counts alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.real_call.lossy_path import Passed
from facegauge_gateway.rtp.packet import RtpPacket

__all__ = ["Recorded", "whole_chains"]

H264_IDR, H264_SPS, H264_STAP_A, H264_FU_A = 5, 7, 24, 28


@dataclass(frozen=True, slots=True)
class Recorded:
    """A packet by what its payload's first bytes say."""

    sequence: int
    timestamp: int
    arrived: bool
    begins_keyframe: bool
    layer: int


def whole_chains(record: Iterable[Passed], codec: str) -> dict[int, bool]:
    """Return by RTP timestamp whether a picture of the path can be decoded, for those of the base layer."""
    read = {"h264": _h264, "vp8": _vp8, "vp9": _vp9}[codec]
    packets: list[Recorded] = []
    newest: int | None = None
    for passed in record:
        packet = RtpPacket.parse(passed.data)
        step = 0 if newest is None else (packet.sequence - newest + 0x8000) % 0x10000 - 0x8000
        sequence = packet.sequence if newest is None else newest + step
        newest = sequence if newest is None else max(newest, sequence)
        begins_keyframe, layer = read(packet.payload)
        packets.append(Recorded(sequence, packet.timestamp, passed.arrived, begins_keyframe, layer))
    packets.sort(key=lambda packet: packet.sequence)

    whole: dict[int, bool] = {}
    chain, last = False, packets[0].sequence - 1 if packets else 0
    for one in packets:
        if one.sequence != last + 1:  # lost before the path: of which layer nobody knows
            chain = False
        last = one.sequence
        if one.layer:
            continue
        if one.arrived and one.begins_keyframe:
            chain = whole[one.timestamp] = True
        chain = chain and one.arrived
        whole[one.timestamp] = whole.get(one.timestamp, True) and chain
    return whole


def _h264(payload: bytes) -> tuple[bool, int]:
    """RFC 6184: an IDR picture, or the parameter sets before it."""
    kind = payload[0] & 31
    if kind == H264_STAP_A:
        kind = payload[3] & 31
    elif kind == H264_FU_A and payload[1] & 0x80:  # the first fragment
        kind = payload[1] & 31
    return kind in (H264_IDR, H264_SPS), 0


def _vp8(payload: bytes) -> tuple[bool, int]:
    """RFC 7741: the frame header's first bit is 0 in a keyframe."""
    at, layer = 1, 0
    if payload[0] & 0x80:
        extensions = payload[1]
        at = 2
        if extensions & 0x80:
            at += 2 if payload[at] & 0x80 else 1
        if extensions & 0x40:
            at += 1
        if extensions & 0x30:
            layer = payload[at] >> 6 if extensions & 0x20 else 0
            at += 1
    starts = bool(payload[0] & 0x10) and not payload[0] & 7
    return starts and not payload[at] & 1, layer


def _vp9(payload: bytes) -> tuple[bool, int]:
    """RFC 9628: the first packet of a frame that is predicted from none."""
    at = 1
    if payload[0] & 0x80:
        at += 2 if payload[at] & 0x80 else 1
    layer = payload[at] >> 5 if payload[0] & 0x20 else 0
    return bool(payload[0] & 0x08) and not payload[0] & 0x40, layer
