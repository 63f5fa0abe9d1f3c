"""Labelled crops of the student's stores as rows for the challenge's systems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facegauge_training.challenge.pictures import fingerprint
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ANCHORED, ladder_steps, ladder_store
from facegauge_training.fitting.loader import held_out

__all__ = ["StoredCrops", "ladder_rows", "split_rows"]


@dataclass(frozen=True, slots=True)
class StoredCrops:
    """Some crops of a `CropSet`, which stay on the disk until they are asked for."""

    crops: CropSet
    chosen: npt.NDArray[np.intp]
    names: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    groups: tuple[str, ...]

    @staticmethod
    def of(crops: CropSet, chosen: npt.NDArray[np.intp]) -> StoredCrops:
        """Choose crops by number; those of one photo are a group."""
        rows = [crops.rows[i] for i in chosen]
        names = tuple(f"{row['store']}/{row['key']}/{i}" for row, i in zip(rows, chosen, strict=True))
        return StoredCrops(crops, chosen, names, crops.labels[chosen], tuple(row["key"] for row in rows))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, i: int) -> npt.NDArray[np.uint8]:
        return self.crops[int(self.chosen[i])]

    def take(self, chosen: npt.NDArray[np.intp]) -> StoredCrops:
        """Return the chosen ones alone."""
        return StoredCrops.of(self.crops, self.chosen[chosen])

    def fingerprint(self) -> str:
        """Return a hash of names and labels: a resumed run must have the same."""
        return fingerprint(self)


def split_rows(stores: list[Path], pseudo: list[Path]) -> tuple[StoredCrops, StoredCrops]:
    """Return rows to train on, and those of the photos that nothing is ever trained on (one in sixteen).

    A far face's label holds within its clip alone, so far faces are in neither.

    Args:
        stores: of labelled crops.
        pseudo: of crops that a teacher labelled, which are trained on alone.

    Raises:
        RecipeError: the stores are empty, or nothing is held out.
    """
    crops = CropSet([*stores, *pseudo])
    aside = held_out(crops)
    train, kept = np.flatnonzero(~aside & ~crops.far), np.flatnonzero(aside & ~crops.far & ~crops.pseudo)
    if not len(train) or len(kept) < 3:
        raise RecipeError(
            f"The stores have {len(train)} crops to train on and {len(kept)} of photos that are held out "
            "(one in sixteen): label more photos, `facegauge-train labels`."
        )
    return StoredCrops.of(crops, train), StoredCrops.of(crops, kept)


def ladder_rows(cache: Path) -> StoredCrops:
    """Return the ladder's crops of unseen faces whose labels are plain VMAF.

    Raises:
        RecipeError: the ladder was not built.
    """
    ladder = CropSet([ladder_store(cache)])
    plain = np.array([family not in ANCHORED for family, _ in ladder_steps(ladder)])
    return StoredCrops.of(ladder, np.flatnonzero(plain))
