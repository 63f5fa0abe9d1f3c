"""PyPI's `image-quality-ai`: sharpness, exposure, contrast, noise and framing in one number.

P. Mahendrakar, image-quality-ai 0.1 (2026): hand-made thresholds over five measures, the variance of the
Laplacian the first of them. Its overall score, 0-100 with 100 the best, is taken as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.evaluation.baselines.kinds import Baseline, Floats

__all__ = ["IMAGE_QUALITY_AI", "measure"]


def measure(pictures: Iterable[Pixels]) -> Floats:
    """Return the overall score of each picture (n,), 0-100."""
    package: Any = importlib.import_module("image_quality_ai")
    return np.array([package.assess(picture).score for picture in pictures], np.float64)


IMAGE_QUALITY_AI = Baseline(
    name="image-quality-ai",
    title="image-quality-ai",
    origin="Mahendrakar, PyPI's image-quality-ai 0.1",
    orientation="as it is",
    measure=measure,
    module="image_quality_ai",
    distribution="image-quality-ai",
)
