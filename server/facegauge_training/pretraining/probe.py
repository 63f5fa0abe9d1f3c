r"""Probe what a frozen backbone knows of quality: a linear reading of its pooled stages, against labels.

    facegauge-train probe-backbone --store ~/.cache/facegauge/ladder-1 \
        --backbone mobilenetv3_small_100 \
        --weights ~/.cache/facegauge/pretrained/mobilenetv3_small_100/backbone.pt

Features are the mean and the logarithm of the deviation of every channel of every stage; a ridge regression
reads them, its penalty chosen within the training faces, and predicts faces that it never saw (five folds by
face). Minutes where a training takes hours. Prints the figures of random weights, of the file's weights, and
of the teacher itself. `--store` is any store of labelled crops; the ladder of the val split is the honest
one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import pearsonr, spearmanr
from torch import nn

from facegauge_models.preparation import normalised, planes
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.pretraining.backbones import Backbone, Stages
from facegauge_training.pretraining.feature_teacher import statistics

__all__ = ["WIDTH", "probe", "probe_backbone", "ridge_figures"]

Floats = npt.NDArray[np.float64]
FOLDS = 5
PENALTIES = tuple(10.0**power for power in range(-1, 6))
WIDTH = 192
BATCH = 16


def ridge_figures(features: Floats, labels: Floats, faces: list[str]) -> dict[str, float]:
    """Return SROCC, PLCC and RMSE of a ridge regression's predictions of faces that it never saw.

    Args:
        features: (n, d).
        labels: (n,).
        faces: whose crop each is; a face is in one fold alone.

    Raises:
        RecipeError: there are fewer than ten faces.
    """
    names = sorted(set(faces))
    if len(names) < 2 * FOLDS:
        raise RecipeError(f"A probe needs crops of {2 * FOLDS} faces or more, not {len(names)}: label more.")
    fold = np.array([names.index(face) % FOLDS for face in faces])
    inner = np.array([names.index(face) // FOLDS % 3 for face in faces])  # mixes faces of every fold
    predicted = np.empty(len(labels))
    for number in range(FOLDS):
        seen = fold != number
        errors = [
            sum(
                np.square(
                    _ridge(features[seen & (inner != part)], labels[seen & (inner != part)], penalty)(
                        features[seen & (inner == part)]
                    )
                    - labels[seen & (inner == part)]
                ).sum()
                for part in range(3)
            )
            for penalty in PENALTIES
        ]
        best = PENALTIES[int(np.argmin(errors))]
        predicted[~seen] = _ridge(features[seen], labels[seen], best)(features[~seen])
    return {
        "srocc": round(float(spearmanr(predicted, labels)[0]), 4),
        "plcc": round(float(pearsonr(predicted, labels)[0]), 4),
        "rmse": round(float(np.sqrt(np.mean((predicted - labels) ** 2))), 4),
    }


@torch.no_grad()
def probe(maps_of: Callable[[torch.Tensor], list[torch.Tensor]], crops: CropSet) -> dict[str, float]:
    """Return the figures of a network: a function from pixels (n, h, w, 3), 0-255, to its stages' maps."""
    parts = []
    for at in range(0, len(crops), BATCH):
        pixels = np.stack([crops[i] for i in range(at, min(at + BATCH, len(crops)))])
        parts.append(
            torch.cat([statistics(m) for m in maps_of(torch.from_numpy(pixels))], dim=1).cpu().numpy()
        )
    features = np.concatenate(parts).astype(np.float64)
    return ridge_figures(features, crops.labels.astype(np.float64), [str(row["key"]) for row in crops.rows])


def probe_backbone(backbone: Backbone, crops: CropSet) -> dict[str, float]:
    """Return the figures of a backbone as it is, in evaluation mode.

    Batch normalisation that was never trained has statistics of nothing; they are estimated first.
    """
    device = next(backbone.module.parameters()).device
    stages = Stages(backbone.module)

    def maps_of(pixels: torch.Tensor) -> list[torch.Tensor]:
        return stages(normalised(planes(pixels.to(device)), backbone.normalisation))

    if _untrained(backbone.module):
        backbone.module.train()
        rng = np.random.default_rng(0)
        with torch.no_grad():
            for _ in range(20):
                chosen = rng.choice(len(crops), BATCH)
                maps_of(torch.from_numpy(np.stack([crops[int(i)] for i in chosen])))
    backbone.module.eval()
    return probe(maps_of, crops)


def _ridge(features: Floats, labels: Floats, penalty: float) -> Callable[[Floats], Floats]:
    """Fit a ridge regression on normalised features and return it; by samples where those are fewer."""
    centre, scale, level = features.mean(axis=0), features.std(axis=0) + 1e-6, labels.mean()
    x = (features - centre) / scale
    if len(x) < x.shape[1]:
        slopes = x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(len(x)), labels - level)
    else:
        slopes = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (labels - level))
    return lambda new: (new - centre) / scale @ slopes + level


def _untrained(module: nn.Module) -> bool:
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    return any(norm.num_batches_tracked is not None and int(norm.num_batches_tracked) == 0 for norm in norms)
