"""A round of self-training: a teacher labels faces that nobody could measure, for the next teacher to learn.

As the challenge's winner did (Ma et al., VQualA 2025, section 3.1): soft photos (the index's split
`natural`), moments of videos, and fresh degradations of both, cut as serving cuts. Scores are mapped onto
labels by the logistic curve of four parameters that fits the teacher on held-out labelled crops. Each round
has its own degradations, and is a store like any other whose rows say who labelled them. Nothing from the
val split's sources, or that looks like one of its photos, gets in. Resumes after a kill.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from facegauge_server.types import Pixels
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import logistic_fit
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.sources import Source
from facegauge_training.data.store import pseudo_store, write_source
from facegauge_training.fitting.checkpoint import Trained
from facegauge_training.fitting.fit import predict
from facegauge_training.fitting.loader import split_crops
from facegauge_training.self_training.leakage import Unseen
from facegauge_training.self_training.pseudo_faces import ahead, degraded, unlabelled_faces
from facegauge_training.self_training.unlabelled import Video

__all__ = ["label_by_teacher"]

FITTED_ON = 100
"""Labelled crops that the curve is fitted on, at least; with fewer the scores stay unmapped."""

Curve = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def label_by_teacher(
    cache: Path,
    teacher: Trained,
    round_: int,
    photos: list[Source],
    films: list[Video],
    moments: int,
    unseen: Unseen,
    device: torch.device,
) -> dict[str, int]:
    """Label what the round's store does not have yet, and return how many faces of each kind it was.

    Args:
        cache: with the labelled stores; gets the round's.
        teacher: labels; its network is moved to the device.
        round_: of self-training.
        photos: without labels.
        films: videos without labels.
        moments: of each video.
        unseen: refuses what belongs to the val split.
        device: the teacher's.

    Returns:
        Counts of "natural", "video", "refused" and "no face".

    Raises:
        RecipeError: another teacher has begun the round, or a photo or video cannot be read.
    """
    folder = pseudo_store(cache, round_)
    folder.mkdir(parents=True, exist_ok=True)
    _check_owner(folder, teacher.name)
    teacher.network.to(device).to(memory_format=torch.channels_last)
    curve = _curve(teacher, CropSet(train_stores(cache), teacher.width), device)
    coming = unlabelled_faces(folder, photos, films, moments, round_)
    total = len(photos) + moments * len(films)
    made = {"natural": 0, "video": 0, "refused": 0, "no face": 0}
    faces_and_crops = ahead(degraded(coming, unseen, round_))
    for key, source, kind, crops, rows in track(faces_and_crops, f"{teacher.name} labels", total=total):
        if crops:
            scores = curve(_score(teacher, crops, device))
            for row, score in zip(rows, scores, strict=True):
                row |= {"labelled_by": teacher.name, "score": round(float(np.clip(score, 0, 1)), 5)}
        write_source(folder, key, source, crops, rows)
        made[kind] += 1
    return made


def _check_owner(folder: Path, name: str) -> None:
    """Let one teacher alone label a round."""
    for path in folder.glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["crops"][:1]:
            if row["labelled_by"] != name:
                raise RecipeError(
                    f"{row['labelled_by']} has begun to label {folder}, not {name}: delete the folder, or "
                    "give another --round."
                )


def _curve(trained: Trained, crops: CropSet, device: torch.device) -> Curve:
    """Return the map from the teacher's scores to labels."""
    _, watch = split_crops(crops)
    valued = watch[~crops.far[watch]]
    if len(valued) < FITTED_ON:
        return lambda scores: scores
    scores = predict(trained.network, crops, valued, device).quality.astype(np.float64)
    return logistic_fit(scores, crops.labels[valued].astype(np.float64))


@torch.no_grad()
def _score(trained: Trained, crops: list[Pixels], device: torch.device) -> npt.NDArray[np.float64]:
    """Return the teacher's scores (n,) of crops (384, 288, 3)."""
    scores, _ = trained.network(torch.from_numpy(np.stack(crops)).to(device))
    return scores.cpu().numpy().astype(np.float64)
