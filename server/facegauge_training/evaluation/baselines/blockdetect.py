"""ffmpeg's `blockdetect`: how much a grid of blocks shows.

R. Muijs, I. Kirenko, "A no-reference blocking artifact measure for adaptive video processing", EUSIPCO 2005,
with ffmpeg's defaults (grids of 3 to 24 px). A stronger grid is worse, so its number is negated. A codec's
grid is at the codec's own resolution, which a crop that was resized to the student's input no longer has.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.evaluation.baselines.ffmpeg import filtered
from facegauge_training.evaluation.baselines.kinds import Baseline, Floats

__all__ = ["BLOCKDETECT", "measure"]

WORST = 1000.0
"""Beyond what any picture has: for a picture without a gradient, of which it notes NaN."""


def measure(pictures: Iterable[Pixels]) -> Floats:
    """Return minus the strength of the strongest grid of each picture (n,): -1 is none, -1000 the worst."""
    grids = filtered(pictures, "blockdetect", "lavfi.block")
    return -np.where(np.isfinite(grids), np.minimum(grids, WORST), WORST)


BLOCKDETECT = Baseline(
    name="blockdetect",
    title="ffmpeg blockdetect",
    origin="Muijs and Kirenko, EUSIPCO 2005; ffmpeg of imageio-ffmpeg",
    orientation="negated: it is the strength of a grid",
    measure=measure,
)
