"""Sizes that decide what becomes of a face: scored, scored and marked, or not scored.

A face's size is the short side of the detector's box, in pixels of the decoded frame.
"""

from __future__ import annotations

from facegauge_server.types import Box, FaceState

__all__ = ["LOW_RESOLUTION_PX", "MIN_FACE_PX", "face_state"]

MIN_FACE_PX = 32.0
"""A smaller face is not scored."""

LOW_RESOLUTION_PX = 96.0
"""A smaller face is scored and marked as low resolution."""


def face_state(box: Box) -> FaceState:
    """Return how a face of this size is treated."""
    if box.short_side < MIN_FACE_PX:
        return FaceState.TOO_SMALL
    return FaceState.LOW_RESOLUTION if box.short_side < LOW_RESOLUTION_PX else FaceState.SCORED
