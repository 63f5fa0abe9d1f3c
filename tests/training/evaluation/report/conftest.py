"""A made-up ladder: small crops of noise, labels by step, a student that is nearly right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import LADDER
from facegauge_training.evaluation.evaluate import measure
from facegauge_training.evaluation.report.measured import Measured

FACES = 8


@pytest.fixture(scope="session")
def made_up_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight "faces" at every step of the ladder; no picture in it is of anybody."""
    folder = tmp_path_factory.mktemp("made-up")
    rng = np.random.default_rng(3)
    for face in range(FACES):
        rows, pictures = [], []
        for chains in LADDER.values():
            for n, chain in enumerate(chains):
                share = 0.97 if chain.describe() == LADDER["pristine"][0].describe() else 0.9 - 0.12 * n
                row = {**chain.describe(), "frame": 1, "face_height": 180.0 + 20 * face}
                rows.append({**row, "vmaf": share + 0.02 * rng.random(), "gmsd": 0.02})
                pictures.append(rng.integers(60 + 10 * face, 120 + 10 * face, (48, 36, 3)).astype(np.uint8))
        np.save(folder / f"{face:02d}.npy", np.stack(pictures))
        entry = {"source": "made <up> & co" if face % 2 else "other", "crops": rows}
        (folder / f"{face:02d}.json").write_text(json.dumps(entry))
    return folder


@pytest.fixture(scope="session")
def made_up(made_up_folder: Path) -> CropSet:
    return CropSet([made_up_folder])


@pytest.fixture(scope="session")
def measured(made_up: CropSet) -> Measured:
    """A student that is a little off, a baseline that is worse and one on another scale that is useless."""
    rng = np.random.default_rng(4)
    labels = made_up.labels.astype(np.float64)
    scores = np.clip(labels + rng.normal(0, 0.03, len(labels)), 0, 1)
    worse = 100 * labels + rng.normal(0, 15, len(labels))
    return measure(scores, made_up, {"laplacian": worse, "brisque": -rng.random(len(labels))})
