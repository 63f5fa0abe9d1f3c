"""A unit the way that the SDK sends one."""

from __future__ import annotations

from facegauge_client import EncodedFrame, FrameEncoding
from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ

__all__ = ["coded_frame"]


def coded_frame(unit: AccessUnit) -> tuple[EncodedFrame, float]:
    """Return a unit's frame, and its capture time in seconds."""
    frame = EncodedFrame(
        FrameEncoding[unit.codec.name],
        unit.data,
        keyframe=unit.keyframe,
        temporal_layer=unit.temporal_layer,
        discontinuity=unit.discontinuity,
    )
    return frame, unit.timestamp / CLOCK_RATE_HZ
