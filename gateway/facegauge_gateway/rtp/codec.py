"""The video codecs that calls carry."""

from __future__ import annotations

import enum

__all__ = ["CLOCK_RATE_HZ", "Codec"]

CLOCK_RATE_HZ = 90_000
"""Of each of the four payload formats: RFC 6184 8.2.1, RFC 7741 6.1, RFC 9628 6.1, AV1 RTP 7.1."""


class Codec(enum.StrEnum):
    """A codec by the name that its RTP payload format has in SDP."""

    H264 = "H264"
    VP8 = "VP8"
    VP9 = "VP9"
    AV1 = "AV1"
