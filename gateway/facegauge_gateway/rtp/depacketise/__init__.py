"""Payloads -> a unit, by the payload format of each codec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.depacketise.av1 import Av1Depacketiser
from facegauge_gateway.rtp.depacketise.h264 import H264Depacketiser
from facegauge_gateway.rtp.depacketise.vp8 import Vp8Depacketiser
from facegauge_gateway.rtp.depacketise.vp9 import Vp9Depacketiser
from facegauge_gateway.rtp.layering import CodedUnit

__all__ = ["DEPACKETISERS", "Depacketiser"]


class Depacketiser(Protocol):
    """The payload format of one codec, for the units of one stream in their order."""

    def is_start(self, payload: bytes) -> bool:
        """Whether this payload can only be the first of its unit, whatever came before; never raises."""

    def depacketise(self, payloads: Sequence[bytes]) -> CodedUnit | None:
        """Put a unit together from all its payloads, none of them empty.

        Returns None where they hold no picture; raises BadPacket where they make no unit.
        """


DEPACKETISERS: Mapping[Codec, Callable[[], Depacketiser]] = {
    Codec.H264: H264Depacketiser,
    Codec.VP8: Vp8Depacketiser,
    Codec.VP9: Vp9Depacketiser,
    Codec.AV1: Av1Depacketiser,
}
