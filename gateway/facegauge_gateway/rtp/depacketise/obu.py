"""Open bitstream units of AV1 (AV1 bitstream, 5.3), and their sizes in leb128 (4.10.5)."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_gateway.rtp.bad_packet import BadPacket

__all__ = ["TEMPORAL_DELIMITER", "Obu", "read_leb128"]

SEQUENCE_HEADER, DELIMITER, FRAME_HEADER, FRAME = 1, 2, 3, 6
KEPT_TYPES = {SEQUENCE_HEADER, FRAME_HEADER, 4, 5, FRAME, 7}
"""Without delimiters and tile lists (AV1 RTP, 5), padding, and reserved ones, which decoders ignore."""
HAS_EXTENSION, HAS_SIZE = 0x04, 0x02
TEMPORAL_DELIMITER = bytes([DELIMITER << 3 | HAS_SIZE, 0])
MAX_LEB128_BYTES = 8


def read_leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends; raises BadPacket."""
    value = 0
    for index in range(MAX_LEB128_BYTES):
        if at + index >= len(data):
            raise BadPacket("av1", "an AV1 payload ends within the size of an OBU")
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    raise BadPacket("av1", "the size of an AV1 OBU has no end")


def _leb128(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@dataclass(frozen=True, slots=True)
class Obu:
    """One unit without its size."""

    header: bytes
    """One byte, or two with an extension."""
    payload: bytes

    @classmethod
    def parse(cls, element: bytes) -> Obu:
        """Read an OBU as RTP carries it, with a size or without; raises BadPacket."""
        header_bytes = 2 if element[0] & HAS_EXTENSION else 1
        if element[0] & 0x80 or len(element) < header_bytes:
            raise BadPacket("av1", "an AV1 OBU's forbidden bit is set, or it ends within its header")
        end, at = len(element), header_bytes
        if element[0] & HAS_SIZE:
            size, at = read_leb128(element, at)
            end = at + size
            if end > len(element):
                raise BadPacket(
                    "av1", f"an AV1 OBU of {size} bytes ends {end - len(element)} after its packets"
                )
        return cls(element[:header_bytes], element[at:end])

    @staticmethod
    def kind_of(element: bytes) -> int:
        """Return the obu_type of an OBU's first bytes."""
        return element[0] >> 3 & 15

    @property
    def kind(self) -> int:
        """obu_type."""
        return self.kind_of(self.header)

    @property
    def temporal_layer(self) -> int | None:
        """temporal_id; None without an extension."""
        return self.header[1] >> 5 if len(self.header) == 2 else None

    @property
    def starts_key_frame(self) -> bool:
        """Whether it begins a frame of type KEY_FRAME that is none shown again (AV1 bitstream, 5.9.2)."""
        return self.kind in (FRAME_HEADER, FRAME) and bool(self.payload) and not self.payload[0] & 0xE0

    def with_size(self) -> bytes:
        """Return it the way that the low-overhead format has it (AV1 bitstream, 5.2)."""
        header = bytes([self.header[0] | HAS_SIZE]) + self.header[1:]
        return header + _leb128(len(self.payload)) + self.payload
