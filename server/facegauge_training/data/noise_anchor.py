"""Measure the anchor of noise: the VMAF that coded crops have at each GMSD.

Noise adds structure that is not there, as coding does (blocks, ringing) and blur does not; so the crops that
are coded and nothing else say what a GMSD is worth. Medians, made monotone; the table goes into
`degradation_chain.NOISE_ANCHOR`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegauge_training.data.crop_set import CropSet

__all__ = ["AnchorPoint", "measure_noise_anchor"]

OTHERS = ("stops", "noise", "defocus", "motion", "loss", "sharpen")


@dataclass(frozen=True, slots=True)
class AnchorPoint:
    """What VMAF the crops near a GMSD have."""

    gmsd: float
    low: float
    median: float
    high: float
    """Quartiles of VMAF/100."""
    crops: int


def measure_noise_anchor(crops: CropSet) -> list[AnchorPoint]:
    """Return the quartiles of VMAF/100 of crops that are only coded, by GMSD; at least five crops a point."""
    coded = [
        r for r in crops.rows if r["codec"] and r["lines"] == 720 and not any(r.get(name) for name in OTHERS)
    ]
    deviation = np.array([row["gmsd"] for row in coded])
    share = np.array([row["vmaf"] for row in coded])
    points = []
    for at in np.arange(0.0, 0.25, 0.02):
        near = np.abs(deviation - at) < 0.01
        if near.sum() >= 5:
            low, median, high = np.percentile(share[near], (25, 50, 75)).tolist()
            points.append(AnchorPoint(float(at), low, median, high, int(near.sum())))
    return points
