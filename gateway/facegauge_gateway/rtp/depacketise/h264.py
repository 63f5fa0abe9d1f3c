"""H.264 over RTP, single NAL unit and non-interleaved mode (RFC 6184).

aiortc's H264PayloadDescriptor reads one packet at a time and forgets where a fragment ends; a unit whose
fragments do not fit together would come out as whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.depacketise.h264_parameters import ParameterSets
from facegauge_gateway.rtp.layering import CodedUnit

__all__ = ["H264Depacketiser"]

START_CODE = b"\x00\x00\x00\x01"
PICTURE_TYPES = range(1, 6)
SLICE, IDR, SPS, PPS, DELIMITER = 1, 5, 7, 8, 9
SINGLE_TYPES = range(1, 24)
STAP_A, FU_A = 24, 28
INTERLEAVED_TYPES = {25: "STAP-B", 26: "MTAP16", 27: "MTAP24", 29: "FU-B"}


class H264Depacketiser:
    """Turns packets into NAL units in Annex B; remembers parameter sets for IDR pictures that lack them."""

    def __init__(self) -> None:
        self._parameters = ParameterSets()

    def is_start(self, payload: bytes) -> bool:
        """Whether no NAL unit that matters can stand before this one in its picture.

        So it is for a delimiter, for a sequence parameter set, and for the first slice (first_mb_in_slice 0)
        of a picture that is no IDR picture; before the slice of an IDR picture parameter sets may be missing.
        """
        kind = payload[0] & 0x1F
        at = 0
        if kind == STAP_A:
            at = 3
        elif kind == FU_A:
            if len(payload) < 2 or not payload[1] & 0x80:
                return False
            at = 1
        if len(payload) < at + 2:
            return False
        kind = payload[at] & 0x1F
        return kind in (SPS, DELIMITER) or (kind == SLICE and bool(payload[at + 1] & 0x80))

    def depacketise(self, payloads: Sequence[bytes]) -> CodedUnit | None:
        """Put an access unit together (RFC 6184, 5.6 to 5.8); None for parameter sets alone."""
        nal_units = list(_nal_units(payloads))
        kinds = {nal_unit[0] & 0x1F for nal_unit in nal_units}
        self._parameters.remember(nal_units)
        if kinds.isdisjoint(PICTURE_TYPES):
            return None
        if IDR in kinds and not {SPS, PPS} <= kinds:
            others = [unit for unit in nal_units if unit[0] & 0x1F not in (SPS, PPS)]
            begin = int(others[0][0] & 0x1F == DELIMITER)
            nal_units = [*others[:begin], *self._parameters.all(), *others[begin:]]
        return CodedUnit(b"".join(START_CODE + unit for unit in nal_units), keyframe=IDR in kinds)


def _nal_units(payloads: Sequence[bytes]) -> Iterator[bytes]:
    fragments: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if fragments and kind != FU_A:
            raise BadPacket("h264", "a fragmented H.264 NAL unit has no end before the next one begins")
        if payload[0] & 0x80:
            raise BadPacket("h264", "an H.264 payload's forbidden bit is set")
        if kind in SINGLE_TYPES:
            yield payload
        elif kind == STAP_A:
            yield from _aggregated(payload)
        elif kind == FU_A:
            if _add_fragment(fragments, payload):
                yield b"".join(fragments)
                fragments = []
        elif kind in INTERLEAVED_TYPES:
            raise BadPacket(
                "h264_interleaved",
                f"an H.264 payload is {INTERLEAVED_TYPES[kind]}, of interleaved mode, which calls do not "
                "use: negotiate packetization-mode=1",
            )
        else:
            raise BadPacket("h264", f"an H.264 payload's type {kind} is not defined")
    if fragments:
        raise BadPacket("h264", "the last fragmented H.264 NAL unit of a picture has no end")


def _aggregated(payload: bytes) -> Iterator[bytes]:
    """Split a single-time aggregation packet (RFC 6184, 5.7.1)."""
    at = 1
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        nal_unit = payload[at + 2 : at + 2 + size]
        if not size or len(nal_unit) < size or nal_unit[0] & 0x1F not in SINGLE_TYPES:
            raise BadPacket("h264", f"an H.264 STAP-A holds a NAL unit of {size} bytes, which it has not")
        yield nal_unit
        at += 2 + size


def _add_fragment(fragments: list[bytes], payload: bytes) -> bool:
    """Add a fragment (RFC 6184, 5.8); returns whether the NAL unit ends with it."""
    if len(payload) < 2:
        raise BadPacket("h264", "an H.264 FU-A ends within its header")
    header = payload[1]
    starts, ends = bool(header & 0x80), bool(header & 0x40)
    if starts == bool(fragments) or (starts and ends):
        raise BadPacket("h264", "fragments of an H.264 NAL unit contradict each other in S and E")
    if starts:
        if header & 0x1F not in SINGLE_TYPES:
            raise BadPacket("h264", f"an H.264 FU-A holds a NAL unit of type {header & 0x1F}")
        fragments.append(bytes([payload[0] & 0x60 | header & 0x1F]))
    fragments.append(payload[2:])
    return ends
