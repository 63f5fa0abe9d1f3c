"""Let a teacher label the faces of the split `natural`, soft photos that nobody could measure, as they are.

The winner's unlabelled pictures were faces from the Internet, without any degradation of their own. Nothing
from the val split's sources, or that looks like one of its photos, gets in.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from facegauge_server.types import Pixels
from facegauge_training.challenge.pictures import Rows, fingerprint
from facegauge_training.challenge.teacher import FITTED_ON, Teacher
from facegauge_training.common.metrics import logistic_fit
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.sources import Source, read_picture, read_sources
from facegauge_training.data.store import write_source
from facegauge_training.self_training.leakage import Unseen
from facegauge_training.self_training.unlabelled import serving_crop

__all__ = ["label_natural_crops"]

READERS = 8
AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Crops:
    """Crops in memory, as rows without scores."""

    names: tuple[str, ...]
    pixels: list[Pixels]

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        return np.zeros(len(self), np.float32)

    @property
    def groups(self) -> tuple[str, ...]:
        return self.names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> Pixels:
        return self.pixels[i]

    def take(self, chosen: npt.NDArray[np.intp]) -> _Crops:
        return _Crops(tuple(self.names[i] for i in chosen), [self.pixels[i] for i in chosen])

    def fingerprint(self) -> str:
        return fingerprint(self)


def label_natural_crops(faces: Path, teacher: Teacher, labelled: Rows, store: Path) -> int:
    """Write a store of the natural photos' crops with the teacher's scores as labels.

    Scores are mapped onto labels by the curve of four parameters that fits the teacher on labelled crops.
    What is in the store already stays.

    Args:
        faces: folder of photos with an index.csv.
        teacher: labels.
        labelled: crops that were measured, which the teacher did not learn from.
        store: gets a pair of files a photo.

    Returns:
        The number of crops in the store.

    Raises:
        RecipeError: the folder has no such photos, or one cannot be read.
    """
    store.mkdir(parents=True, exist_ok=True)
    unseen = Unseen(faces)
    photos = [
        photo for photo in read_sources(faces, "natural", pristine=False) if photo.name not in unseen.names
    ]
    missing = [photo for photo in photos if not (store / f"{photo.key}.json").is_file()]
    if missing:
        known = labelled.take(np.arange(len(labelled))[:FITTED_ON])
        scores = teacher.predict(known, range(len(known))).scores.cpu().numpy().astype(np.float64)
        curve = logistic_fit(scores, known.scores.astype(np.float64))
    with ThreadPoolExecutor(READERS) as pool:
        for at in track(range(0, len(missing), AT_ONCE), f"{teacher.system} labels natural photos"):
            part = missing[at : at + AT_ONCE]
            crops = list(pool.map(_crop, part))
            rows = _Crops(tuple(photo.key for photo in part), crops)
            scores = teacher.predict(rows, range(len(rows))).scores.cpu().numpy().astype(np.float64)
            for photo, crop, score in zip(part, crops, curve(scores).clip(0, 1), strict=True):
                row = {**Chain().describe(), "frame": -1, "labelled_by": teacher.system}
                row["score"] = round(float(score), 5)
                alike = unseen.looks_alike(crop)
                write_source(store, photo.key, photo.name, [] if alike else [crop], [] if alike else [row])
    return sum(1 for _ in store.glob("*.npy"))


def _crop(photo: Source) -> Pixels:
    return serving_crop(read_picture(photo.path), photo.face)
