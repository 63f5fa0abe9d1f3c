"""VP8 over RTP (RFC 7741); the descriptor is read by aiortc."""

from __future__ import annotations

from collections.abc import Sequence

from aiortc.codecs.vpx import VpxPayloadDescriptor

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.layering import CodedUnit, Layering

__all__ = ["Vp8Depacketiser"]

FRAME_TAG_BYTES = 3


class Vp8Depacketiser:
    """Joins what follows the descriptors."""

    def is_start(self, payload: bytes) -> bool:
        """Whether a frame's first partition starts here: S and PID 0 (RFC 7741, 4.2)."""
        return payload[0] & 0x17 == 0x10

    def depacketise(self, payloads: Sequence[bytes]) -> CodedUnit:
        """Put a frame together (RFC 7741, 4.4)."""
        parsed = [_parse(payload) for payload in payloads]
        first = parsed[0][0]
        for number, payload in enumerate(payloads):
            if self.is_start(payload) != (number == 0):
                raise BadPacket(
                    "vp8", "packets of one VP8 timestamp are not one frame: S and PID contradict it"
                )
        data = b"".join(rest for _, rest in parsed)
        if len(data) < FRAME_TAG_BYTES:
            raise BadPacket("vp8", f"a VP8 frame of {len(data)} bytes, less than its frame tag")
        temporal_layer, needs_base_alone = first.tid or (None, 0)
        layering = Layering(
            temporal_layer=temporal_layer,
            picture_id=first.picture_id,
            picture_id_bits=15 if first.picture_id is not None and payloads[0][2] & 0x80 else 7,
            base_index=first.tl0picidx,
            needs_base_alone=bool(needs_base_alone),
        )
        return CodedUnit(data, keyframe=not data[0] & 1, layering=layering)


def _parse(payload: bytes) -> tuple[VpxPayloadDescriptor, bytes]:
    try:
        return VpxPayloadDescriptor.parse(payload)
    except ValueError as error:
        raise BadPacket("vp8", f"a VP8 payload cannot be read: {error}") from None
