"""The crops that the student is most wrong about, as pictures."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels
from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.measured import Measured

__all__ = ["Failure", "picture_uri", "worst"]

THUMBNAIL = (144, 192)  # width, height


@dataclass(frozen=True, slots=True)
class Failure:
    """One crop, with the pristine crop of the same face."""

    picture: str
    """The picture as a data URI, like the next."""
    pristine: str
    label: float
    score: float
    what: str
    """Was done to it."""
    source: str


def worst(
    measured: Measured, crops: CropSet, sign: int, among: npt.NDArray[np.bool_], count: int
) -> list[Failure]:
    """Return the crops `among` (n,) scored furthest too high (`sign` 1) or too low (-1), one a face."""
    error = np.where(among, sign * (measured.scores - measured.labels), 0)
    pristine = {measured.faces[i]: int(i) for i in np.flatnonzero(measured.family == "pristine")}
    found: dict[str, Failure] = {}
    for i in (int(i) for i in np.argsort(-error)):
        face = str(measured.faces[i])
        if len(found) == count or error[i] <= 0:
            break
        if face not in found:
            found[face] = Failure(
                picture_uri(crops[i]),
                picture_uri(crops[pristine[face]]) if face in pristine else "",
                float(measured.labels[i]),
                float(measured.scores[i]),
                measured.describe(i),
                str(crops.rows[i]["source"]),
            )
    return list(found.values())


def picture_uri(crop: Pixels) -> str:
    """Return a crop as a small JPEG inside a data URI."""
    small = cv2.resize(crop, THUMBNAIL, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
