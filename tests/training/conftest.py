"""Faces for the training tests: invented pictures with an index, and the shared photos if there are any."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from facegauge_training.cli import main
from facegauge_training.data.cause_labels import cause_ladder_store
from facegauge_training.data.cause_plan import CAUSE_LADDER
from facegauge_training.data.clips import Clip, make_clip
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.ladder import LADDER, ladder_store
from facegauge_training.data.sources import read_picture, read_sources
from facegauge_training.data.store import write_source

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


Train = Callable[..., Result]
"""Calls `facegauge-train` in this process."""

SMALL = ("--backbone", "mobilenetv3_small_050", "--threads", "1")
"""Options for networks that train in a moment."""


def invent_store(folder: Path, key: str, chains: list[Chain], takes: int) -> None:
    """Fill a store with noise of falling strength whose labels fall too."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(int(key, 16))
    crops, rows = [], []
    for n, chain in enumerate(chains * takes):
        strength = 100 - 90 * n // (len(chains) * takes)
        crops.append((rng.integers(0, 2 * strength, (384, 288, 3)) + 20).astype(np.uint8))
        rows.append(
            {**chain.describe(), "frame": 1, "face_height": 200.0, "vmaf": strength / 100, "gmsd": 0.05}
        )
    write_source(folder, key, "invented-train", crops, rows)


@pytest.fixture(scope="session")
def train() -> Train:
    """Call `facegauge-train` with arguments; the result has exit code and output."""

    def call(*arguments: str | Path | float) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return call


@pytest.fixture(scope="session")
def done(train: Train) -> Callable[..., str]:
    """Call `facegauge-train`, which must succeed, and return its output."""

    def call(*arguments: str | Path | float) -> str:
        result = train(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    return call


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Options of a network that trains in a moment."""
    return SMALL


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, done: Callable[..., str]) -> Path:
    """A cache with labels of three faces, both ladders of two, and a teacher of two steps; tests add runs."""
    folder = tmp_path_factory.mktemp("cache")
    for key in ("0010aaaaaa", "0123bbbbbb", "0456cccccc"):
        invent_store(folder / "train-1-round-1", key, [Chain(), Chain(lines=360), Chain(lines=180)], 4)
    for key in ("01", "02"):
        for store, ladder in ((ladder_store(folder), LADDER), (cause_ladder_store(folder), CAUSE_LADDER)):
            invent_store(store, key, [chain for chains in ladder.values() for chain in chains], 1)
    options = ("--initialisation", "random", "--train-samples", "64", "--cache", folder)
    done("teacher", "--run", "teacher-0", *options, *SMALL)
    return folder


@pytest.fixture(scope="session")
def pseudo_labelled(cache: Path, natural_faces: Path, done: Callable[..., str]) -> str:
    """Run the first round of self-training, and return what the command printed."""
    options = ("--faces", natural_faces, "--cache", cache, "--teacher", "teacher-0", "--threads", "1")
    return done("pseudo-label", *options)
