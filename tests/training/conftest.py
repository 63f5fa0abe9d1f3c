"""Faces for the training tests: invented pictures with an index, and the shared photos if there are any."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from facegauge_training.data.clips import Clip, make_clip
from facegauge_training.data.sources import read_picture, read_sources

FIELDS = (
    "split", "file", "source", "width", "height", "face_x", "face_y", "face_w", "face_h",
    "detector_score", "laplacian_variance", "mean_luminance", "kind", "licence",
)  # fmt: skip


def invent_picture(seed: int, side: int = 320) -> np.ndarray:
    """Draw something with edges and texture of every size: RGB uint8 (side, side, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((side, side, 3), np.float32)
    for cells in (4, 10, 28, 80, 160):
        layer = rng.uniform(-1, 1, (cells, cells, 3)).astype(np.float32) / cells**0.45
        picture += cv2.resize(layer, (side, side), interpolation=cv2.INTER_CUBIC)
    picture = 127 + 90 * picture / np.abs(picture).max()
    drawn = np.ascontiguousarray(picture.clip(0, 255).astype(np.uint8))
    for _ in range(12):
        center = tuple(int(v) for v in rng.integers(40, side - 40, 2))
        color = tuple(int(v) for v in rng.integers(0, 255, 3))
        cv2.circle(drawn, center, int(rng.integers(5, 40)), color, 2, cv2.LINE_AA)
    return drawn


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three train and two val pictures with an index.csv, none of them a real face."""
    folder = tmp_path_factory.mktemp("faces")
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as lines:
        index = csv.DictWriter(lines, FIELDS)
        index.writeheader()
        for n, split in enumerate(("train", "train", "train", "val", "val")):
            cv2.imwrite(str(folder / f"{n}.png"), invent_picture(n)[:, :, ::-1])
            row = {"split": split, "file": f"{n}.png", "source": f"invented-{split}", "licence": "CC0"}
            box = {"face_x": 60, "face_y": 80, "face_w": 190, "face_h": 190}
            index.writerow({**row, **box, "width": 320, "height": 320, "laplacian_variance": 200})
    return folder


@pytest.fixture(scope="session")
def natural_faces(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of faces with two more of the split `natural`; one is a val photo, coded again."""
    folder = tmp_path_factory.mktemp("natural") / "faces"
    shutil.copytree(faces, folder)
    with (folder / "index.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    stolen = cv2.imread(str(folder / rows[3]["file"]))
    assert stolen is not None
    cv2.imwrite(
        str(folder / "stolen.jpg"), cv2.resize(stolen, None, fx=0.9, fy=0.9), [cv2.IMWRITE_JPEG_QUALITY, 60]
    )
    box = {name: str(round(float(rows[3][name]) * 0.9)) for name in ("face_x", "face_y", "face_w", "face_h")}
    soft = {"split": "natural", "source": "soft", "laplacian_variance": "5"}
    own = cv2.imread(str(folder / rows[0]["file"]))
    assert own is not None
    cv2.imwrite(str(folder / "soft.png"), cv2.GaussianBlur(own[:, ::-1], (0, 0), 2))
    rows += [{**rows[3], **soft, **box, "file": "stolen.jpg"}, {**rows[0], **soft, "file": "soft.png"}]
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as lines:
        index = csv.DictWriter(lines, list(rows[0]))
        index.writeheader()
        index.writerows(rows)
    return folder


@pytest.fixture(scope="session")
def clip(faces: Path) -> Clip:
    """A pristine clip."""
    source = read_sources(faces, "train")[0]
    return make_clip(read_picture(source.path), source.face, np.random.default_rng(5))


@pytest.fixture
def shared_faces() -> Path:
    """The shared folder of photos; the test is skipped without it."""
    checkout = Path(__file__).parents[2]
    folder = Path(os.environ.get("FACEGAUGE_SHARED", checkout.parent / "shared")) / "faces"
    if not (folder / "index.csv").is_file():
        pytest.skip(f"no research photos at {folder}")
    return folder
