"""The same face with fewer and fewer pixels: the score must not rise as they are lost.

Each photo of the split is reduced by area until its face's box is so many pixels high, and cropped exactly
as serving crops. Nothing is enlarged on the way but by the crop itself, so a photo takes part in the sizes
that it has the pixels for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from rich.progress import track

from facegauge_server.stages.crop import crop_box, crop_region
from facegauge_server.types import Box, Pixels
from facegauge_training.data.sources import Source, read_picture
from facegauge_training.evaluation.report.measured import Floats

__all__ = ["SIZES", "Loss", "Sweep", "losses", "resized_face", "sweep"]

SIZES = (96, 128, 176, 256, 400)
"""Heights of the face's box, px."""
NOTICEABLE = 0.05
"""Labels of one severity differ between faces by this much (see the model card)."""
ANY_DISPLAY = 1_000_000
"""Lines: no display takes pixels away."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Scores by face and size."""

    scores: Floats
    """(faces, `SIZES`); NaN where the photo has too few pixels."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What happens between two sizes."""

    larger: int
    smaller: int
    faces: int
    risen: int
    """Faces whose score is higher at the smaller size, by anything."""
    noticeably: int
    """How many rise by more than `NOTICEABLE`."""
    worst: float
    """The largest rise; negative if every score falls."""
    mean: float
    """Mean of the smaller size's score less the larger's."""


def sweep(sources: list[Source], score: Callable[[list[Pixels]], Floats], width: int, height: int) -> Sweep:
    """Score every photo's face at every size that it has the pixels for.

    Args:
        sources: photos with their face's box.
        score: crops -> scores (n,), 0-1.
        width: of the student's input, px.
        height: of the student's input, px.
    """
    cv2.setNumThreads(1)
    places, crops = [], []
    for n, source in enumerate(track(sources, "faces at every size", transient=True)):
        photo = read_picture(source.path)
        for i, size in enumerate(SIZES):
            if size <= source.face.height:
                places.append((n, i))
                crops.append(resized_face(photo, source.face, size, width, height))
    scores = np.full((len(sources), len(SIZES)), np.nan)
    scores[tuple(np.array(places).T)] = score(crops)
    return Sweep(scores)


def resized_face(photo: Pixels, face: Box, size: int, width: int, height: int) -> Pixels:
    """Return the crop of a face after the photo was reduced until its box is `size` px high."""
    share = size / face.height
    lines, columns = (max(1, round(side * share)) for side in photo.shape[:2])
    reduced = cv2.resize(photo, (columns, lines), interpolation=cv2.INTER_AREA)
    frame = reduced.astype(np.uint8, copy=False)
    box = Box(face.x * share, face.y * share, face.width * share, face.height * share)
    return crop_region(frame, crop_box(box, columns, lines), width, height, ANY_DISPLAY)


def losses(measured: Sweep) -> list[Loss]:
    """Return what happens from each size to the next smaller one, and from the largest to the smallest."""
    found = []
    steps = [(i + 1, i) for i in reversed(range(len(SIZES) - 1))]
    ends = [(i, 0) for i in reversed(range(2, len(SIZES)))]
    for larger, smaller in (*steps, *ends):
        gain = measured.scores[:, smaller] - measured.scores[:, larger]
        gain = gain[np.isfinite(gain)]
        if len(gain):
            risen, noticeably = int((gain > 0).sum()), int((gain > NOTICEABLE).sum())
            sizes = (SIZES[larger], SIZES[smaller])
            found.append(Loss(*sizes, len(gain), risen, noticeably, float(gain.max()), float(gain.mean())))
    return found
