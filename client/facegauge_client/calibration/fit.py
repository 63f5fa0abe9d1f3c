"""Fit a monotone map from quality to mean opinion score, and say how far a clip lies from it.

Two maps are tried: the logistic of two parameters between the ends of the scale (ITU-T P.1401 asks for a
monotone map and names it), and isotonic regression, which takes any rising shape. The one that foretells
clips left out of the fit better is kept. The interval is the distance within which 95 of 100 clips left out
lay (split over folds, with the correction for a finite number of clips, so that it promises no more than was
seen).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression, least_squares

from facegauge_client.calibration.ratings import BEST, WORST, RatedClip, RatingsRefused
from facegauge_client.calibration.screening import check_clips, srocc

__all__ = ["COVERAGE", "Fit", "fit"]

Floats = npt.NDArray[np.float64]
Map = Callable[[Floats], Floats]
"""Quality to score, both (n,)."""

COVERAGE = 0.95
FOLDS = 10
POINTS = 101


@dataclass(frozen=True, slots=True)
class Fit:
    """A map, as points to be read between, and what cross-validation says of it."""

    kind: str
    """`logistic` or `isotonic`."""
    quality: tuple[float, ...]
    mos: tuple[float, ...]
    half_width: float
    """Half the width of the interval that holds `COVERAGE` of clips."""
    rmse: float
    """Error of clips left out."""
    srocc: float
    """Rank correlation of the clips' qualities and scores."""
    folds: int
    rated_range: tuple[float, float]
    """Lowest and highest quality that was rated."""


def fit(clips: Sequence[RatedClip]) -> Fit:
    """Fit both maps and keep the better one; raises RatingsRefused where neither says anything."""
    check_clips(clips)
    ordered = sorted(clips, key=lambda clip: (clip.quality, clip.clip))
    quality = np.array([clip.quality for clip in ordered])
    mos = np.array([clip.mos for clip in ordered])
    folds = np.arange(len(ordered)) % min(FOLDS, len(ordered))  # each goes from the worst to the best
    left_out = {kind: _left_out(make, quality, mos, folds) for kind, make in MAPS.items()}
    errors = {kind: foretold - mos for kind, foretold in left_out.items()}
    rmses = {kind: float(np.sqrt(np.mean(error**2))) for kind, error in errors.items()}
    kind = min(rmses, key=lambda name: rmses[name])  # the first, logistic, where both are alike
    if rmses[kind] >= mos.std():
        raise RatingsRefused(
            f"no map foretells a clip's rating better than the mean of all does (error {rmses[kind]:.2f}, "
            f"spread {mos.std():.2f}): the qualities say too little about these ratings"
        )
    points = np.linspace(0, 1, POINTS)
    rank = min(math.ceil(COVERAGE * (len(mos) + 1)), len(mos))
    return Fit(
        kind,
        tuple(points.round(4).tolist()),
        tuple(MAPS[kind](quality, mos)(points).round(4).tolist()),
        round(float(np.sort(np.abs(errors[kind]))[rank - 1]), 4),
        round(rmses[kind], 4),
        round(srocc(quality, mos), 4),
        int(folds.max()) + 1,
        (float(quality[0]), float(quality[-1])),
    )


def _logistic(quality: Floats, mos: Floats) -> Map:
    def curve(x: Floats, middle: float, slope: float) -> Floats:
        return WORST + (BEST - WORST) / (1 + np.exp(-slope * (x - middle)))

    found = least_squares(lambda p: curve(quality, *p) - mos, (0.5, 5.0), bounds=((-2, 0), (3, 100)))
    return lambda x: curve(x, *found.x)


def _isotonic(quality: Floats, mos: Floats) -> Map:
    distinct, inverse, counts = np.unique(quality, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, mos) / counts
    rising = isotonic_regression(means, weights=counts).x
    return lambda x: np.interp(x, distinct, rising)


MAPS: dict[str, Callable[[Floats, Floats], Map]] = {"logistic": _logistic, "isotonic": _isotonic}


def _left_out(
    make: Callable[[Floats, Floats], Map], quality: Floats, mos: Floats, folds: npt.NDArray[np.int_]
) -> Floats:
    """Return the score of each clip by a map that was fitted without its fold."""
    foretold = np.empty_like(mos)
    for fold in range(int(folds.max()) + 1):
        out = folds == fold
        foretold[out] = make(quality[~out], mos[~out])(quality[out])
    return foretold
