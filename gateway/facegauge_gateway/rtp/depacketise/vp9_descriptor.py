"""The VP9 payload descriptor (RFC 9628, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_gateway.rtp.bad_packet import BadPacket

__all__ = ["Vp9Descriptor"]

MAX_REFERENCES = 3


@dataclass(frozen=True, slots=True)
class Vp9Descriptor:
    """What stands before the VP9 data of each packet."""

    begins_frame: bool
    """B: a layer frame begins with this packet."""
    ends_frame: bool
    """E: a layer frame ends with it."""
    spatial_layer: int
    temporal_layer: int | None
    picture_id: int | None
    picture_id_bits: int
    base_index: int | None
    opens_upper_layers: bool
    references: tuple[int, ...] | None
    """P_DIFFs; None outside flexible mode."""

    @classmethod
    def parse(cls, payload: bytes) -> tuple[Vp9Descriptor, bytes]:
        """Return the descriptor and the data after it; raises BadPacket."""
        try:
            return _parse(payload)
        except IndexError:
            raise BadPacket(
                "vp9", f"a VP9 payload of {len(payload)} bytes ends within its descriptor"
            ) from None


def _parse(payload: bytes) -> tuple[Vp9Descriptor, bytes]:
    flags, at = payload[0], 1
    is_flexible = bool(flags & 0x10)
    picture_id, picture_id_bits = None, 7
    if flags & 0x80:  # I
        picture_id, at = payload[at], at + 1
        if picture_id & 0x80:  # M
            picture_id, picture_id_bits, at = (picture_id & 0x7F) << 8 | payload[at], 15, at + 1
    temporal_layer, spatial_layer, opens_upper_layers, base_index = None, 0, False, None
    if flags & 0x20:  # L
        layers, at = payload[at], at + 1
        temporal_layer, spatial_layer = layers >> 5, layers >> 1 & 7
        opens_upper_layers = bool(layers & 0x10)
        if not is_flexible:
            base_index, at = payload[at], at + 1
    references: list[int] = []
    if is_flexible and flags & 0x40:  # F and P
        has_more = True
        while has_more:
            if len(references) == MAX_REFERENCES:
                raise BadPacket("vp9", f"a VP9 picture with more than {MAX_REFERENCES} references")
            references.append(payload[at] >> 1)
            has_more, at = bool(payload[at] & 1), at + 1
    if flags & 0x02:  # V
        at = _after_scalability_structure(payload, at)
    if at > len(payload):
        raise IndexError
    descriptor = Vp9Descriptor(
        begins_frame=bool(flags & 0x08),
        ends_frame=bool(flags & 0x04),
        spatial_layer=spatial_layer,
        temporal_layer=temporal_layer,
        picture_id=picture_id,
        picture_id_bits=picture_id_bits,
        base_index=base_index,
        opens_upper_layers=opens_upper_layers,
        references=tuple(references) if is_flexible else None,
    )
    return descriptor, payload[at:]


def _after_scalability_structure(payload: bytes, at: int) -> int:
    """Return where the structure of a group of pictures ends (RFC 9628, 4.2.1)."""
    flags, at = payload[at], at + 1
    if flags & 0x10:  # Y: width and height of each spatial layer
        at += 4 * ((flags >> 5) + 1)
    if flags & 0x08:  # G: the pictures of the group
        pictures, at = payload[at], at + 1
        for _ in range(pictures):
            at += 1 + (payload[at] >> 2 & 3)
    return at
