"""One real face for the tests of labels: scikit-image's astronaut, enlarged to the size of a photo."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from facegauge_server.types import Box, Pixels

ENLARGED = 1.7
FACE = Box(ENLARGED * 172, ENLARGED * 66, ENLARGED * 104, ENLARGED * 112)


def read_astronaut() -> Pixels:
    """RGB uint8 (870, 870, 3)."""
    picture = cv2.resize(astronaut(), None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(picture, np.uint8)


def write_faces(folder: Path) -> Path:
    """A folder of faces: the astronaut in two sources of train, and once in val."""
    cv2.imwrite(str(folder / "astronaut.png"), read_astronaut()[:, :, ::-1])
    cv2.imwrite(str(folder / "turned.png"), read_astronaut()[:, ::-1, ::-1])
    box = {"face_x": FACE.x, "face_y": FACE.y, "face_w": FACE.width, "face_h": FACE.height}
    mirrored = {**box, "face_x": 870 - FACE.x - FACE.width}
    rows = [
        {"split": "train", "file": "astronaut.png", "source": "nasa", **box},
        {"split": "train", "file": "turned.png", "source": "mirror", **mirrored},
        {"split": "val", "file": "astronaut.png", "source": "portrait", **box},
    ]
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as lines:
        index = csv.DictWriter(lines, [*rows[0], "laplacian_variance", "licence"])
        index.writeheader()
        index.writerows({**row, "laplacian_variance": 200, "licence": "public domain"} for row in rows)
    return folder
