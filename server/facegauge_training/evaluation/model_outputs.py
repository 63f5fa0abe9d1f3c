"""What a student, as ONNX, says of crops: quality, and what comes back without each cause, if it names any.

Outputs for a store's crops are remembered, so that a report is made again in a moment:

    CACHE/outputs-1/<store>-<digest>.npz    quality (n,), causes (n, 6)

The digest covers the model's file and every row of the store: nothing stale is read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from facegauge_models.measure import onnx_session
from facegauge_server.types import Pixels
from facegauge_training.common.atomic import atomic_file
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet

__all__ = ["Crops", "Outputs", "predict_causes", "remembered_outputs", "run_student", "score_crops"]

Floats = npt.NDArray[np.float64]
BATCH = 16


class Crops(Protocol):
    """RGB uint8 (height, width, 3) pictures, by number: a `CropSet` or a list."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, i: int, /) -> Pixels:
        """Return one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a student says of n crops."""

    quality: Floats
    """(n,), 0-1."""
    causes: Floats | None
    """(n, 6), by `causes.CAUSES`: the quality that would come back; None from a student without causes."""


def run_student(model: Path, crops: Crops, threads: int = 1) -> Outputs:
    """Return all that an ONNX student says of each crop.

    One thread by default: two wait for each other by spinning, which a busy machine pays for.

    Raises:
        RecipeError: the file is missing, or is no such student.
    """
    if not model.is_file():
        raise RecipeError(f"There is no {model}: run `facegauge-train export` first.")
    try:
        session = onnx_session(model, threads)
        names = [name for name in ("quality", "causes") if name in _outputs(session)]
        _, height, width, _ = session.get_inputs()[0].shape
        batches = [
            session.run(names, {"pixels": _batch(crops, at, int(width), int(height))})
            for at in range(0, len(crops), BATCH)
        ]
        columns = {
            name: np.concatenate([np.asarray(batch[n]) for batch in batches]).astype(np.float64)
            for n, name in enumerate(names)
        }
        return Outputs(columns["quality"].reshape(-1), columns.get("causes"))
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise RecipeError(f"{model} does not run as a student (pixels -> quality): {error}") from error


def score_crops(model: Path, crops: Crops, threads: int = 1) -> Floats:
    """Return the score (n,) that an ONNX student gives each crop; raises as `run_student` does."""
    return run_student(model, crops, threads).quality


def predict_causes(model: Path, crops: Crops, threads: int = 1) -> Floats:
    """Return the quality (n, 6) that would come back without each cause.

    Raises:
        RecipeError: the file is missing, or is no student with causes.
    """
    causes = run_student(model, crops, threads).causes
    if causes is None:
        raise RecipeError(f"{model} names no causes: give a student that has the output `causes`.")
    return causes


def remembered_outputs(model: Path, crops: CropSet, cache: Path) -> Outputs:
    """Return what `run_student` says of a store's crops, from the cache where it was asked before.

    Raises:
        RecipeError: as `run_student`.
    """
    if not model.is_file():
        raise RecipeError(f"There is no {model}: run `facegauge-train export` first.")
    digest = hashlib.sha256(model.read_bytes())
    digest.update(json.dumps(crops.rows, sort_keys=True).encode())
    stores = "-".join(sorted({str(row["store"]) for row in crops.rows}))
    path = cache / "outputs-1" / f"{stores}-{digest.hexdigest()[:16]}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return Outputs(kept["quality"], kept.get("causes"))
    outputs = run_student(model, crops)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"quality": outputs.quality}
    if outputs.causes is not None:
        columns["causes"] = outputs.causes
    with atomic_file(path) as file:
        np.savez(file, **columns)  # type: ignore[arg-type]
    return outputs


def _outputs(session: onnxruntime.InferenceSession) -> set[str]:
    return {output.name for output in session.get_outputs()}


def _batch(crops: Crops, at: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    pictures = (crops[i] for i in range(at, min(at + BATCH, len(crops))))
    fitting = [
        p if p.shape[:2] == (height, width) else cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
        for p in pictures
    ]
    return np.stack(fitting).astype(np.uint8, copy=False)
