"""BRISQUE: natural scene statistics and a support vector regression onto the LIVE database's opinions.

A. Mittal, A. K. Moorthy, A. C. Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE
Transactions on Image Processing 21(12), 2012; PyPI's `brisque`, which carries the authors' model. 0 is its
best and 100 its worst (a little beyond on both sides happens), so its number is negated.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.evaluation.baselines.kinds import Baseline, Floats

__all__ = ["BRISQUE", "measure"]

WORST = 100.0
"""What a picture without any texture gets: it has no such statistics, and BRISQUE gives NaN."""


def measure(pictures: Iterable[Pixels]) -> Floats:
    """Return minus the BRISQUE of each picture (n,): 0 is good, -100 bad."""
    package: Any = importlib.import_module("brisque")
    model = package.BRISQUE()
    scale = model.scale_features

    def scale_numbers(features: Any) -> Any:
        """Make arrays of one number the numbers that brisque 0.2 takes them for; NumPy 2.4 no longer does."""
        return scale([np.asarray(feature, np.float64).item() for feature in features])

    model.scale_features = scale_numbers
    with np.errstate(invalid="ignore", divide="ignore"):  # flat pictures, see WORST
        scores = np.array([model.score(picture) for picture in pictures], np.float64)
    return -np.where(np.isfinite(scores), scores, WORST)


BRISQUE = Baseline(
    name="brisque",
    title="BRISQUE",
    origin="Mittal et al., IEEE TIP 2012; PyPI's brisque 0.2",
    orientation="negated: it counts defects, 0 to 100",
    measure=measure,
    module="brisque",
    distribution="brisque",
)
