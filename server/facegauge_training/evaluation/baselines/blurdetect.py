"""ffmpeg's `blurdetect`: how wide the edges are.

P. Marziliano et al., "A no-reference perceptual blur metric", ICIP 2002, with ffmpeg's defaults (Canny's
thresholds 30/255 and 15/255, maxima within 50 px). Wider edges are blurrier, so its number is negated.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.evaluation.baselines.ffmpeg import filtered
from facegauge_training.evaluation.baselines.kinds import Baseline, Floats

__all__ = ["BLURDETECT", "measure"]

WORST = 50.0
"""px, as far as the filter looks: for a picture without an edge, of which it notes NaN."""


def measure(pictures: Iterable[Pixels]) -> Floats:
    """Return minus the mean width of the edges of each picture (n,), px: -3 is sharp, -50 the worst."""
    widths = filtered(pictures, "blurdetect", "lavfi.blur")
    return -np.where(np.isfinite(widths), widths, WORST)


BLURDETECT = Baseline(
    name="blurdetect",
    title="ffmpeg blurdetect",
    origin="Marziliano et al., ICIP 2002; ffmpeg of imageio-ffmpeg",
    orientation="negated: it is the width of the edges",
    measure=measure,
)
