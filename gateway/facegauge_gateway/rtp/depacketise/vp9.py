"""VP9 over RTP (RFC 9628)."""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.bits import BitReader
from facegauge_gateway.rtp.depacketise.vp9_descriptor import Vp9Descriptor
from facegauge_gateway.rtp.layering import CodedUnit, Layering

__all__ = ["Vp9Depacketiser", "superframe"]

FRAME_MARKER = 2
MAX_FRAMES = 8


class Vp9Depacketiser:
    """Joins the layer frames of a picture, and the layers to a superframe."""

    def is_start(self, payload: bytes) -> bool:
        """Whether a frame of the lowest spatial layer begins here: B, and SID 0 (RFC 9628, 4.2)."""
        try:
            descriptor, _ = Vp9Descriptor.parse(payload)
        except BadPacket:
            return False
        return descriptor.begins_frame and descriptor.spatial_layer == 0

    def depacketise(self, payloads: Sequence[bytes]) -> CodedUnit:
        """Put a picture together from all its layer frames (RFC 9628, 4.1)."""
        frames: list[bytes] = []
        firsts: list[Vp9Descriptor] = []
        parts: list[bytes] = []
        for payload in payloads:
            descriptor, data = Vp9Descriptor.parse(payload)
            if descriptor.begins_frame == bool(parts):
                raise BadPacket("vp9", "packets of one VP9 picture contradict each other in B and E")
            if descriptor.begins_frame:
                firsts.append(descriptor)
            parts.append(data)
            if descriptor.ends_frame:
                frames.append(b"".join(parts))
                parts = []
        if parts:
            raise BadPacket("vp9", "the last layer frame of a VP9 picture has no end")
        if len(frames) > MAX_FRAMES or not all(frames):
            raise BadPacket("vp9", f"a VP9 picture of {len(frames)} layer frames, or with an empty one")
        data = frames[0] if len(frames) == 1 else superframe(frames)
        return CodedUnit(data, keyframe=_is_key(frames[0]), layering=_layering(firsts))


def superframe(frames: Sequence[bytes]) -> bytes:
    """Join frames with the index that tells a decoder where each ends (VP9 bitstream, annex B)."""
    size_bytes = (max(map(len, frames)).bit_length() + 7) // 8
    marker = bytes([0b11000000 | size_bytes - 1 << 3 | len(frames) - 1])
    sizes = b"".join(len(frame).to_bytes(size_bytes, "little") for frame in frames)
    return b"".join(frames) + marker + sizes + marker


def _layering(firsts: Sequence[Vp9Descriptor]) -> Layering:
    """Return what holds for the picture: that of its lowest layer, and the references of all."""
    lowest = firsts[0]
    references = None
    if lowest.references is not None:
        references = tuple(sorted({back for one in firsts for back in one.references or ()}))
    return Layering(
        temporal_layer=lowest.temporal_layer,
        picture_id=lowest.picture_id,
        picture_id_bits=lowest.picture_id_bits,
        base_index=lowest.base_index,
        opens_upper_layers=lowest.opens_upper_layers,
        references=references,
    )


def _is_key(frame: bytes) -> bool:
    """Read the uncompressed header's first bits (VP9 bitstream, 6.2); the descriptor's P says intra alone."""
    bits = BitReader(frame)
    try:
        if bits.take(2) != FRAME_MARKER:
            raise BadPacket("vp9", "what the packets hold is no VP9: its frame marker is missing")
        profile = bits.take(1) | bits.take(1) << 1
        if profile == 3:
            bits.take(1)
        return not bits.take(1) and not bits.take(1)  # show_existing_frame, frame_type
    except IndexError:
        raise BadPacket("vp9", "a VP9 frame ends within its header") from None
