"""Measure what clipping takes away from an overexposed face.

The picture is made darker again by as many stops as it is too bright. What had not clipped is then as it was;
what had is flat. VMAF of that against the pristine crop is the detail that survived, whatever the brightness:
a dark face at +1.5 stops keeps more than a light one, where a table by stops would say the same of both.
"""

from __future__ import annotations

from facegauge_server.types import Pixels
from facegauge_training.data.distortions import expose

__all__ = ["darken_again"]


def darken_again(crops: list[Pixels], stops: float) -> list[Pixels]:
    """Return pristine crops as they come back from `stops` too much light and the same correction.

    Args:
        crops: RGB, uint8, (height, width, 3), pristine.
        stops: above 0.
    """
    return expose(expose(crops, stops), -stops)
