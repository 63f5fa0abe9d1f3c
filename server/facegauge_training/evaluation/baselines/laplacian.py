"""Variance of the Laplacian: the customary test for a blurred picture.

J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000;
with OpenCV's 3x3 kernel on luma. Higher is sharper, so higher is taken as better; 0 for a flat picture.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.evaluation.baselines.kinds import Baseline, Floats

__all__ = ["LAPLACIAN", "measure"]


def measure(pictures: Iterable[Pixels]) -> Floats:
    """Return the variance of the Laplacian of each picture's luma (n,), squared 8-bit codes, 0 and up."""
    lumas = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures)
    return np.array([cv2.Laplacian(luma, cv2.CV_64F).var() for luma in lumas], np.float64)


LAPLACIAN = Baseline(
    name="laplacian",
    title="variance of the Laplacian",
    origin="Pech-Pacheco et al., ICPR 2000; OpenCV's kernel",
    orientation="as it is: sharper is better",
    measure=measure,
)
