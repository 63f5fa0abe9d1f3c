"""Photos of the astronaut with an index, and what the teacher says of views of them."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from facegauge_training.data.sources import Source
from facegauge_training.pretraining.pretrain import read_photos
from facegauge_training.pretraining.target_store import TargetStore, fill_targets
from facegauge_training.pretraining.views import CROPS, PATCHES

PHOTOS = {"train/a.png": "one", "train/b.png": "two", "natural/d.png": "one", "val/e.png": "three"}
FACE = (169, 71, 112, 112)
"""Left, top, width and height in the astronaut's picture."""


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two train photos, a soft one and one of val, all of the astronaut, a little different."""
    folder = tmp_path_factory.mktemp("photos")
    astronaut = skimage.data.astronaut()
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as lines:
        columns = ["split", "file", "source", "face_x", "face_y", "face_w", "face_h"]
        index = csv.writer(lines)
        index.writerow([*columns, "laplacian_variance", "licence"])
        for n, (file, source) in enumerate(PHOTOS.items()):
            path = folder / file
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), np.roll(astronaut, 20 * n, axis=1)[:, :, ::-1])
            index.writerow([path.parent.name, file, source, FACE[0] + 20 * n, *FACE[1:], 200 - 50 * n, "CC0"])
    return folder


@pytest.fixture(scope="session")
def photos(photos_folder: Path) -> list[Source]:
    return read_photos(photos_folder)


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory, photos: list[Source]) -> Path:
    """A folder with the teacher's outputs."""
    folder = tmp_path_factory.mktemp("targets")
    for kind in (PATCHES, CROPS):
        fill_targets(folder, photos, kind, 1, 1, torch.device("cpu"))
    return folder


@pytest.fixture(scope="session")
def patches(targets: Path, photos: list[Source]) -> TargetStore:
    return fill_targets(targets, photos, PATCHES, 1, 1, torch.device("cpu"))


@pytest.fixture(scope="session")
def crops(targets: Path, photos: list[Source]) -> TargetStore:
    return fill_targets(targets, photos, CROPS, 1, 1, torch.device("cpu"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
