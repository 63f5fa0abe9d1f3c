"""Find the photos of faces that may serve as pristine references.

A folder of faces holds `index.csv` with one row a photo: `split` (train, natural or val), `file` below the
folder, `source`, the face's box in pixels as the detector finds it (`face_x`, `face_y`, `face_w`, `face_h`),
`laplacian_variance` of the face and `licence`. `val` sources are never trained on.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facegauge_server.types import Box, Pixels
from facegauge_training.common.errors import RecipeError

__all__ = ["Source", "read_licences", "read_picture", "read_sources"]

MIN_FACE_HEIGHT = 165
"""Pixels. A smaller face, enlarged to the 288x384 at which VMAF looks, would be a soft reference."""
MIN_SHARPNESS = 60.0
"""Variance of the Laplacian. A softer photo is no reference: its defects would be nobody's loss."""


@dataclass(frozen=True, slots=True)
class Source:
    """One photo with one face."""

    path: Path
    split: str
    name: str
    """Name of the collection that the photo comes from."""
    face: Box
    sharpness: float
    licence: str

    @property
    def key(self) -> str:
        """Ten hex digits that name this photo in caches and seeds, whatever folder it lies in."""
        return hashlib.sha256(f"{self.name}/{self.path.name}".encode()).hexdigest()[:10]


def read_sources(
    faces: Path, split: str, limit: int | None = None, offset: int = 0, *, pristine: bool = True
) -> list[Source]:
    """Return the photos of a split that are sharp and large enough, in an order that mixes collections.

    Args:
        faces: folder with `index.csv`.
        split: "train", "natural" or "val".
        limit: take only so many of them.
        offset: leave out so many of the first.
        pristine: whether they must be sharp and large enough for references; else all are returned.

    Raises:
        RecipeError: the folder, its index or every photo in it is missing, or the index cannot be read.
    """
    index = faces / "index.csv"
    if not index.is_file():
        raise RecipeError(f"There is no {index}: point --faces at a folder of faces with an index.csv.")
    try:
        with index.open(newline="", encoding="utf-8") as lines:
            sources = [_source(faces, row) for row in csv.DictReader(lines) if row["split"] == split]
    except (KeyError, ValueError, TypeError) as error:
        raise RecipeError(f"{index} is not an index of faces (bad or missing column: {error}).") from error
    usable = [
        s
        for s in sources
        if not pristine or (s.face.height >= MIN_FACE_HEIGHT and s.sharpness >= MIN_SHARPNESS)
    ]
    if not usable:
        kind = "sharp face" if pristine else "face"
        raise RecipeError(f"{index} lists no {kind} of the split {split!r}: there is nothing to work on.")
    usable.sort(key=lambda source: source.key)
    return usable[offset:][:limit]


def read_licences(faces: Path) -> dict[str, str]:
    """Return the licence that each collection of the index states, of all splits.

    Raises:
        RecipeError: the folder or its index is missing or cannot be read.
    """
    index = faces / "index.csv"
    if not index.is_file():
        raise RecipeError(f"There is no {index}: point --faces at a folder of faces with an index.csv.")
    try:
        with index.open(newline="", encoding="utf-8") as lines:
            return {row["source"]: row["licence"] for row in csv.DictReader(lines)}
    except KeyError as error:
        raise RecipeError(f"{index} is not an index of faces (bad or missing column: {error}).") from error


def read_picture(path: Path) -> Pixels:
    """Read a photo as RGB, uint8, (height, width, 3).

    Raises:
        RecipeError: the file is missing or is no picture.
    """
    data = np.fromfile(path, dtype=np.uint8) if path.is_file() else np.empty(0, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise RecipeError(f"{path} is not a readable picture: restore it or take its row out of index.csv.")
    return np.ascontiguousarray(picture[:, :, ::-1])


def _source(faces: Path, row: dict[str, str]) -> Source:
    face = Box(*(float(row[name]) for name in ("face_x", "face_y", "face_w", "face_h")))
    return Source(
        faces / row["file"],
        row["split"],
        row["source"],
        face,
        float(row["laplacian_variance"]),
        row["licence"],
    )
