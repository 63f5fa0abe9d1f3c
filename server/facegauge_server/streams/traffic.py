"""What has come of a stream, whether it was decoded and scored or not."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Traffic"]


@dataclass(slots=True)
class Traffic:
    """Counts of one stream, over all its connections."""

    received_bytes: int = 0
    """Of frames, without what carried them."""
    keyframes: int = 0
    """Coded video alone."""
    breaks: int = 0
    """Times that coded video could not be decoded before its next keyframe: units missing or damaged."""
