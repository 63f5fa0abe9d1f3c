"""What comes out: a whole access unit, the way that the server takes one."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_gateway.rtp.codec import Codec

__all__ = ["AccessUnit"]


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """All of one picture. One with a packet missing is never given out, but counted."""

    codec: Codec
    data: bytes
    """H.264: Annex B, with parameter sets before each IDR picture. VP8: the frame. VP9: the frame, or the
    superframe of all spatial layers. AV1: the temporal unit, OBUs with their sizes."""
    timestamp: int
    """RTP timestamp, unwrapped, on one line from the stream's first unit to its last (see `timeline`)."""
    keyframe: bool
    temporal_layer: int | None
    """None where the payload does not say."""
    discontinuity: bool
    """Whether units that this one may depend on are missing, so that neither it nor what follows can be
    decoded right up to the next keyframe; or this is the first keyframe of another codec, or of a sender that
    has begun anew."""
