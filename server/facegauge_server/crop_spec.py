"""Geometry of the face crop, for whoever cuts crops and whoever checks what a student was trained on.

The detector's box spans the face from brow to chin. The crop is `WIDEN` times as wide and `HEIGHTEN` times as
high, with its centre moved up by `RAISE` of the box's height, which takes in hair and chin; the shorter
dimension then grows until the crop is `ASPECT_RATIO`, 3 wide to 4 high.
"""

from __future__ import annotations

__all__ = ["ASPECT_RATIO", "HEIGHTEN", "RAISE", "WIDEN", "manifest_entry"]

WIDEN = 1.3
HEIGHTEN = 1.7
RAISE = 0.1
ASPECT_RATIO = 3 / 4


def manifest_entry() -> dict[str, float]:
    """Return the crop's geometry as it stands under `crop` in a student's manifest."""
    return {"aspect_ratio": ASPECT_RATIO, "widen": WIDEN, "heighten": HEIGHTEN, "raise": RAISE}
