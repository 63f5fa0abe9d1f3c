"""How large a frame may be. Light to import: checked before native code sees a byte."""

from __future__ import annotations

from facegauge_server.errors import BadFrame

__all__ = ["MAX_ASPECT_RATIO", "check_size"]

MAX_ASPECT_RATIO = 8.0
"""Longer side to shorter side of a frame; the widest screens have 3.6 (32:9), two of them in a row 7.1."""


def check_size(width: int, height: int, max_pixels: int, max_side: int) -> None:
    """Raise BadFrame for a size that the server does not take."""
    if width < 1 or height < 1:
        raise BadFrame(f"the frame's width and height must be at least 1 pixel, not {width}x{height}")
    if width * height > max_pixels:
        raise BadFrame(
            f"the frame has {width}x{height} pixels, the server takes {max_pixels} (--max-frame-pixels): "
            "send it smaller"
        )
    if max(width, height) > max_side:
        raise BadFrame(
            f"the frame is {width}x{height}, the server takes sides up to {max_side} (--max-frame-side): "
            "send it smaller"
        )
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise BadFrame(
            f"the frame is {width}x{height}, the server takes aspect ratios up to {MAX_ASPECT_RATIO:g}:1: "
            "crop it to the people in it"
        )
