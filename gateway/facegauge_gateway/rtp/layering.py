"""What a unit says of the units that it depends on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CodedUnit", "Layering"]


@dataclass(frozen=True, slots=True)
class Layering:
    """A unit's place among the others, as far as its payload descriptors tell (VP8, VP9; AV1 the layer)."""

    temporal_layer: int | None = None
    picture_id: int | None = None
    picture_id_bits: int = 15
    base_index: int | None = None
    """TL0PICIDX: number of this picture of the base layer, or of the last one before this picture; 8 bits."""
    needs_base_alone: bool = False
    """VP8's Y: it depends on no picture but the last one of the base layer (RFC 7741, 4.2)."""
    opens_upper_layers: bool = False
    """VP9's U: nothing after it in a higher layer depends on what is before it in one (RFC 9628, 4.2)."""
    references: tuple[int, ...] | None = None
    """VP9's flexible mode: how many pictures back those lie that it depends on; None where it is not said."""


@dataclass(frozen=True, slots=True)
class CodedUnit:
    """What a depacketiser makes of all payloads of one unit."""

    data: bytes
    keyframe: bool
    layering: Layering = Layering()
