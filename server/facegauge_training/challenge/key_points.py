"""Find where faces have their features: MediaPipe's key points of many training pictures, kept beside them.

NJUPT-IQA-Group's patches (section 3.5 of the report) lie where the landmarks of about 15,000 random pictures
of the training set are densest.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from facegauge_models.sfiqa import HEIGHT, PATCHES, SIDE, WIDTH, landmark_patches
from facegauge_training.challenge.pictures import Rows
from facegauge_training.common.atomic import atomic_file

__all__ = ["LOOKED_AT", "NAMES", "find_key_points", "find_patches", "shares_held"]

NAMES = ("right eye", "left eye", "nose", "mouth", "right ear", "left ear")
"""The key points, in MediaPipe's order; the face's right."""
LOOKED_AT = 15_000
"""Pictures at most, as NJUPT-IQA-Group had them."""
LEAST_FACES = 100
"""Faces without which the places would be those of a few people."""
Points = npt.NDArray[np.float32]
Places = list[tuple[int, int]]


def find_patches(rows: Rows, folder: Path, seed: int) -> Places:
    """Return the places (top, left) of the patches in pictures of 800x600, by the faces of some rows.

    Where MediaPipe is not installed and nothing is kept, or hardly a face is found, they are those of the
    server's own crops.

    Args:
        rows: to train on.
        folder: keeps the key points.
        seed: draws the pictures that are looked at.
    """
    if importlib.util.find_spec("mediapipe") is None and not _file(rows, folder).is_file():
        return list(PATCHES)
    points = find_key_points(rows, folder, seed)
    if len(points) < LEAST_FACES:
        return list(PATCHES)
    return landmark_patches(torch.from_numpy(points.reshape(-1, 2) * (WIDTH, HEIGHT)))


def find_key_points(rows: Rows, folder: Path, seed: int) -> Points:
    """Return the key points (faces, 6, 2), x and y in shares of a picture, of up to `LOOKED_AT` rows.

    They are read where `folder` has them of these rows already. A picture without a face adds none.
    """
    kept = _file(rows, folder)
    if kept.is_file():
        return np.asarray(np.load(kept), np.float32)
    from facegauge_server.stages.passes import FaceModels  # MediaPipe: a machine that only trains has none

    models, found = FaceModels(), []
    chosen = np.random.default_rng(seed).permutation(len(rows))[:LOOKED_AT]
    for i in track(np.sort(chosen), "finding key points", transient=True):
        points = models.key_points(rows[int(i)])
        if points is not None:
            found.append(points)
    models.close()
    points = np.array(found, np.float32).reshape(-1, 6, 2)
    with atomic_file(kept) as file:
        np.save(file, points)
    return points


def shares_held(points: Points, places: Places) -> npt.NDArray[np.float64]:
    """Return (6,): the share of the faces whose key points lie within some patch."""
    at = points * (WIDTH, HEIGHT)
    within = [
        ((at >= (left, top)) & (at < (left + SIDE, top + SIDE))).all(axis=2)
        for top, left in places
    ]  # fmt: skip
    return np.asarray(np.any(within, axis=0).mean(axis=0))


def _file(rows: Rows, folder: Path) -> Path:
    return folder / f"key-points-{rows.fingerprint()}.npy"
