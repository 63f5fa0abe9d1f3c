"""Measure a student on the ladder of the val split, whose faces are from sources that were never trained on.

Agreement (SROCC, PLCC as it is and after a 4-parameter logistic fit, RMSE) over x264, VP9, defocus and
received lines, whose labels are plain VMAF/100; noise and darkness, with anchored labels, are reported apart.
Order counts pairs of one face within a family whose labels differ by 0.05 or more. Spread is the standard
deviation of score minus label over faces, a step. Intervals: 95%, bootstrap over faces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from facegauge_training.common.metrics import agreement, intervals, ordered_pairs
from facegauge_training.data.crop_set import CROP_HEIGHT, CROP_WIDTH, CropSet
from facegauge_training.data.ladder import ANCHORED, LADDER, ladder_steps
from facegauge_training.data.sources import read_sources
from facegauge_training.evaluation.model_outputs import score_crops
from facegauge_training.evaluation.report.measured import Measured
from facegauge_training.evaluation.report.sweep import Sweep, sweep

__all__ = ["evaluate", "measure", "sweep_sizes"]

Floats = npt.NDArray[np.float64]


def evaluate(scores: Floats, crops: CropSet, resamples: int = 200) -> dict[str, Any]:
    """Return every figure of the report, by name, for scores (n,) of the ladder's crops."""
    steps = ladder_steps(crops)
    family = np.array([name for name, _ in steps])
    step = np.array([number for _, number in steps])
    face = np.array([row["key"] for row in crops.rows])
    labels = crops.labels.astype(np.float64)
    plain = ~np.isin(family, ANCHORED)
    figures: dict[str, Any] = {"split": "val", "crops": int(plain.sum()), "faces": len(set(face))}
    figures |= agreement(scores[plain], labels[plain])
    figures["interval_95"] = intervals(scores[plain], labels[plain], face[plain], resamples)
    figures["ordered_pairs"] = ordered_pairs(
        scores, labels, family, step, face, [f for f in LADDER if f not in ANCHORED]
    )
    figures["spread"] = {
        f"{name} {i + 1}": round(float(np.std((scores - labels)[(family == name) & (step == i + 1)])), 4)
        for name, chains in LADDER.items()
        for i in range(len(chains))
        if name != "pristine"
    } | {"pristine": round(float(np.std((scores - labels)[family == "pristine"])), 4)}
    figures["families"] = {
        name: agreement(scores[chosen], labels[chosen])
        for name in LADDER
        if name != "pristine"
        for chosen in [np.isin(family, (name, "pristine"))]
    }
    figures["anchored_ordered_pairs"] = ordered_pairs(scores, labels, family, step, face, list(ANCHORED))
    sharpness = np.array([_sharpness(crops[i]) for i in range(len(crops))])
    figures["baseline_laplacian_srocc"] = round(float(spearmanr(sharpness[plain], labels[plain])[0]), 4)
    return figures


def measure(scores: Floats, crops: CropSet, baselines: dict[str, Floats]) -> Measured:
    """Return what the report is made from: scores (n,) of the ladder's crops, and the baselines'."""
    steps = ladder_steps(crops)
    return Measured(
        crops.labels.astype(np.float64),
        scores,
        np.array([row["key"] for row in crops.rows]),
        np.array([name for name, _ in steps]),
        np.array([number for _, number in steps]),
        baselines,
    )


def sweep_sizes(model: Path, faces: Path) -> Sweep:
    """Return the student's scores of the val split's photos at several sizes."""
    return sweep(read_sources(faces, "val"), lambda crops: score_crops(model, crops), CROP_WIDTH, CROP_HEIGHT)


def _sharpness(picture: npt.NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
