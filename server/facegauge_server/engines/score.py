"""Crops -> raw scores, through an engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facegauge_server.engines import Engine
from facegauge_server.types import RawScores

__all__ = ["score_crops"]


def score_crops(pixels: npt.NDArray[np.uint8], engine: Engine) -> RawScores:
    """Return the raw quality, float32 (n,) within 0-1, of crops (n, height, width, 3).

    Raises RuntimeError when the engine gives anything but one finite number a crop, which is our bug or the
    model's, never the caller's.
    """
    scores = np.asarray(engine.score(pixels), dtype=np.float32).reshape(-1)
    if scores.shape != (len(pixels),) or not np.isfinite(scores).all():
        raise RuntimeError(f"the {engine.name} engine gave {scores} for {len(pixels)} crops")
    return np.clip(scores, 0.0, 1.0)
