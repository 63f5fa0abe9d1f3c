"""Crops -> scores, through an engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facegauge_server.engines import Engine
from facegauge_server.types import Cause, CropScore

__all__ = ["score_crops"]


def score_crops(pixels: npt.NDArray[np.uint8], engine: Engine) -> list[CropScore]:
    """Return the score of each crop of (n, height, width, 3).

    Raises RuntimeError when the engine gives anything but a finite quality and a finite cost of each cause,
    which is our bug or the model's, never the caller's.
    """
    scores, count, kinds = engine.score(pixels), len(pixels), engine.causes
    quality = _checked(scores.quality, (count,), engine.name)
    if not kinds:
        return [CropScore(value) for value in quality.tolist()]
    if scores.costs is None:
        raise RuntimeError(f"the {engine.name} engine gave no costs of {', '.join(kinds)}")
    costs = _checked(scores.costs, (count, len(kinds)), engine.name)
    return [
        CropScore(value, tuple(map(Cause, kinds, row)))
        for value, row in zip(quality.tolist(), costs.tolist(), strict=True)
    ]


def _checked(given: npt.NDArray[np.float32], shape: tuple[int, ...], engine: str) -> npt.NDArray[np.float32]:
    if given.shape != shape or not np.isfinite(given).all():
        raise RuntimeError(f"the {engine} engine gave {given} where {shape} finite figures were due")
    return np.clip(given, 0.0, 1.0)
