"""Keep the val split unseen: refuse faces that are from its sources, or that look like one of its photos.

Alike are two crops whose difference hashes (Krawetz, "Kind of like that", 2013; 16x16 gradients of
brightness) differ in few bits, as the same photo does after scaling and coding; two people do not.
"""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels
from facegauge_training.data.sources import read_picture, read_sources
from facegauge_training.self_training.unlabelled import Unlabelled, serving_crop

__all__ = ["Unseen"]

ALIKE = 40
"""Bits of 256 that may differ; chance alone gives 128."""


class Unseen:
    """The val split, and what is too near it."""

    def __init__(self, faces: Path) -> None:
        """Read the val split of a folder of faces.

        Raises:
            RecipeError: the folder or its index is missing, or a photo cannot be read.
        """
        sources = read_sources(faces, "val", pristine=False)
        with (faces / "index.csv").open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row["split"] == "val"]
        self.names = {source.name for source in sources} | {row["repo"] for row in rows if row.get("repo")}
        self._hashes = np.stack([_hash(serving_crop(read_picture(s.path), s.face)) for s in sources])

    def refuses(self, face: Unlabelled) -> bool:
        """Return whether a face may not be trained on."""
        return face.source in self.names or self.looks_alike(face.crop)

    def looks_alike(self, crop: Pixels) -> bool:
        """Return whether a crop looks like a photo of the val split."""
        return self.distance(crop) <= ALIKE

    def distance(self, crop: Pixels) -> int:
        """Return how many of 256 bits differ from the likest photo of the val split, or its mirror image."""
        both = (_hash(crop), _hash(np.ascontiguousarray(crop[:, ::-1])))
        return min(int((self._hashes != bits).sum(axis=1).min()) for bits in both)


def _hash(crop: Pixels) -> npt.NDArray[np.bool_]:
    small = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (17, 16), interpolation=cv2.INTER_AREA)
    return np.asarray(small[:, 1:] > small[:, :-1]).ravel()
