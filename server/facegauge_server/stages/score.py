"""Batch -> raw scores, through an engine."""

from __future__ import annotations

import numpy as np

from facegauge_server.engines import Engine
from facegauge_server.types import Batch, RawScores

__all__ = ["score_batch"]


def score_batch(batch: Batch, engine: Engine) -> RawScores:
    """Return the raw quality of each crop: float32, shape (n,), within 0-1.

    Raises RuntimeError when the engine gives anything but one finite number a crop, which is our bug or the
    model's, never the caller's.
    """
    scores = np.asarray(engine.score(batch.pixels), dtype=np.float32).reshape(-1)
    if scores.shape != (len(batch.tickets),) or not np.isfinite(scores).all():
        raise RuntimeError(f"the {engine.name} engine gave {scores} for {len(batch.tickets)} crops")
    return np.clip(scores, 0.0, 1.0)
