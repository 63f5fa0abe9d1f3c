"""The first bytes of a unit of coded video: what it is, and whether decoding can begin.

Plain Python on a few bytes, so that what is foreign is refused in words before native code sees it. Only what
the four formats say at fixed places is read; the size of H.264 and AV1 is left to the decoder, which has a
limit of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from facegauge_server.errors import BadFrame
from facegauge_server.types import Encoding

__all__ = ["UnitHeader", "read_unit_header"]

H264_START_CODE = b"\x00\x00\x01"
H264_SLICE, H264_IDR, H264_SPS = 1, 5, 7
H264_NAMES = {H264_SLICE, H264_IDR}
MAX_NAL_UNITS = 512
"""Slices of one picture, at most one a macroblock row in calls; a search that never ends is none."""
VP8_SIGNATURE = b"\x9d\x01\x2a"
AV1_SEQUENCE_HEADER, AV1_TEMPORAL_DELIMITER, AV1_FRAME_HEADER, AV1_FRAME = 1, 2, 3, 6
AV1_TYPES = {1, 2, 3, 4, 5, 6, 7, 8, 15}


@dataclass(frozen=True, slots=True)
class UnitHeader:
    """What a unit says of itself."""

    is_key: bool
    has_parameters: bool = True
    """Whether a decoder that knows nothing can begin with it, parameter sets and all."""
    size: tuple[int, int] | None = None
    """Width and height, pixels, where a keyframe says so at its start."""


def read_unit_header(encoding: Encoding, data: bytes) -> UnitHeader:
    """Read what a unit says of itself; raises BadFrame for bytes that are no unit of that encoding."""
    if not data:
        raise BadFrame(f"the frame is empty: its data must be a unit of {encoding.name}")
    try:
        return READERS[encoding](data)
    except IndexError:
        raise BadFrame(f"the unit ends after {len(data)} bytes, within its {encoding.name} header") from None


def _read_h264(data: bytes) -> UnitHeader:
    """Find the types of the NAL units (ITU-T H.264, annex B and 7.3.1)."""
    if not data.startswith((H264_START_CODE, b"\x00" + H264_START_CODE)):
        raise BadFrame(
            f"the unit is no H.264 in Annex B: it begins with {data[:4].hex(' ')}, not with a start code; "
            "MP4 and Matroska hold lengths instead (FFmpeg's filter h264_mp4toannexb turns them)"
        )
    kinds: set[int] = set()
    at = -1
    for _ in range(MAX_NAL_UNITS):
        at = data.find(H264_START_CODE, at + 1)
        if at < 0 or at + 3 >= len(data):
            break
        header = data[at + 3]
        if header & 0x80:
            raise BadFrame("the unit is no H.264: a NAL unit's forbidden bit is set; check the encoding")
        kinds.add(header & 0x1F)
    if not kinds & H264_NAMES:
        raise BadFrame(
            "the H.264 unit holds no picture: send parameter sets with the picture that they are for"
        )
    return UnitHeader(H264_IDR in kinds, H264_SPS in kinds)


def _read_vp8(data: bytes) -> UnitHeader:
    """Read the frame tag and a keyframe's start code (RFC 6386, 9.1)."""
    tag = int.from_bytes(data[:3], "little")
    is_key = not tag & 1
    first_partition_bytes = tag >> 5
    if len(data) < 3 + first_partition_bytes:
        raise BadFrame(
            f"the unit is no VP8, or cut short: it has {len(data)} bytes, and says that its first part alone "
            f"has {first_partition_bytes}; check the frame's encoding"
        )
    if not is_key:
        return UnitHeader(is_key=False)
    if data[3:6] != VP8_SIGNATURE:
        raise BadFrame("the unit is no VP8: its start code is missing; check the frame's encoding")
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return UnitHeader(is_key=True, size=(width, height))


def _read_vp9(data: bytes) -> UnitHeader:
    """Read the uncompressed header's first bits (VP9 bitstream specification, 6.2)."""
    bits = _Bits(data)
    if bits.take(2) != 2:
        raise BadFrame("the unit is no VP9: its frame marker is missing; check the frame's encoding")
    profile = bits.take(1) | bits.take(1) << 1
    if profile == 3:
        bits.take(1)
    if bits.take(1):  # show_existing_frame
        return UnitHeader(is_key=False)
    is_key = not bits.take(1)
    bits.take(2)  # show_frame, error_resilient_mode
    if not is_key:
        return UnitHeader(is_key=False)
    if bits.take(24) != 0x498342:
        raise BadFrame("the unit is no VP9: its sync code is missing; check the frame's encoding")
    if profile >= 2:
        bits.take(1)  # twelve bits
    if bits.take(3) != 7:  # not RGB
        bits.take(1)  # range
        if profile in (1, 3):
            bits.take(3)  # subsampling
    elif profile in (1, 3):
        bits.take(1)
    return UnitHeader(is_key=True, size=(bits.take(16) + 1, bits.take(16) + 1))


def _read_av1(data: bytes) -> UnitHeader:
    """Walk over the OBUs up to the first frame (AV1 bitstream specification, 5.3 and 5.9.2)."""
    at, has_sequence = 0, False
    while at < len(data):
        header = data[at]
        kind = header >> 3 & 15
        if header & 0x81 or not header & 2 or kind not in AV1_TYPES:
            raise BadFrame(
                "the unit is no AV1 temporal unit of OBUs with their sizes: check the frame's encoding"
            )
        at += 2 if header & 4 else 1
        size, at = _leb128(data, at)
        if at + size > len(data):
            raise BadFrame(f"the AV1 unit is cut short: it has {len(data)} bytes, an OBU ends at {at + size}")
        has_sequence = has_sequence or kind == AV1_SEQUENCE_HEADER
        if kind in (AV1_FRAME_HEADER, AV1_FRAME):
            first = data[at]
            is_key = not first & 0x80 and not first >> 5 & 3  # no show_existing_frame, frame_type KEY_FRAME
            return UnitHeader(is_key, has_sequence)
        at += size
    raise BadFrame("the AV1 unit holds no picture: send headers with the picture that they are for")


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    raise BadFrame("the unit is no AV1: the size of an OBU has no end; check the frame's encoding")


class _Bits:
    """Bits of a header, the most significant first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | (self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1)
            self._at += 1
        return value


READERS: dict[Encoding, Callable[[bytes], UnitHeader]] = {
    Encoding.H264: _read_h264,
    Encoding.VP8: _read_vp8,
    Encoding.VP9: _read_vp9,
    Encoding.AV1: _read_av1,
}
