"""Small scored pictures: invented textures, the softer the lower their score."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facegauge_training.challenge import run, task

STATISTICS_ROWS = 8


@pytest.fixture(autouse=True, scope="module")
def few_rows_for_statistics() -> Iterator[None]:
    """Every look at a network would first take it over hundreds of pictures at its full size."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run, task):
            patch.setattr(module, "STATISTICS_ROWS", STATISTICS_ROWS)
        yield


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write_table(
    path: Path, rows: Sequence[tuple[str, ...]], head: tuple[str, ...] = ("image", "score")
) -> Path:
    with path.open("w", newline="", encoding="utf-8") as text:
        lines = csv.writer(text)
        lines.writerow(head)
        lines.writerows(rows)
    return path


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `images/` and `labels.csv`: 24 pictures in 8 groups of three."""
    folder = tmp_path_factory.mktemp("scored")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for n in range(24):
        softness = n % 8 / 2
        picture = cv2.resize(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8), (72, 96))
        if softness:
            picture = cv2.GaussianBlur(picture, (0, 0), softness)
        cv2.imwrite(str(folder / "images" / f"{n}.png"), picture)
        rows.append((f"{n}.png", f"{1 - softness / 4:.3f}", f"face {n // 3}"))
    write_table(folder / "labels.csv", rows, ("image", "score", "group"))
    return folder
