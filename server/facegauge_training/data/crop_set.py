"""Read stores of labelled crops back, without copying: `CropSet`. `store` says what is on the disk."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.causes import CAUSES, causes_of, gains_alone, gains_shared
from facegauge_training.data.degradation_chain import Chain, label, order_key

__all__ = ["CROP_HEIGHT", "CROP_WIDTH", "FAR_FACE", "CropSet", "chain_of", "crop_height"]

CROP_WIDTH, CROP_HEIGHT = 288, 384
FAR_FACE = 130.0
"""Height of the box at 720 lines, px, under which a crop is called far."""


class CropSet:
    """Labelled crops of one or more stores, by number.

    Attributes:
        rows: what was done to each crop and measured, where it is from (`store`, `key`, `source`), and who
            labelled it (`labelled_by`, "vmaf" or a teacher).
        labels: float32 (n,), 0-1.
        order_keys: float32 (n,), by which the crops of one clip are ordered, the best highest.
        gains: float32 (n, 6), by `causes.CAUSES`: the quality that comes back when this cause alone goes; 0
            for what is not in the chain, NaN where it was not measured.
        shares: float32 (n, 6): likewise, each cause's share of all that was lost (see `causes`).
        clips: int64 (n,), which photo's clip each crop is from.
        far: bool (n,), whether the face is so small that the label means something within its clip alone: far
            away and sharp looks as near and reduced does, yet one lost nothing.
        pseudo: bool (n,), whether a teacher labelled the crop.
    """

    def __init__(self, folders: list[Path], width: int = CROP_WIDTH) -> None:
        """Map every finished source of the folders into memory.

        Args:
            folders: the stores.
            width: px that crops are given at, `crop_height(width)` high; reduced from the stored 288 by area.

        Raises:
            RecipeError: there is none.
        """
        self._size = (width, crop_height(width))
        self.rows: list[dict[str, Any]] = []
        self._arrays: list[npt.NDArray[np.uint8]] = []
        self._places: list[tuple[int, int]] = []
        gains: list[npt.NDArray[np.float32]] = []
        shares: list[npt.NDArray[np.float32]] = []
        for folder in folders:
            for table in sorted(folder.glob("*.json")):
                entry = json.loads(table.read_text(encoding="utf-8"))
                if not entry["crops"]:
                    continue  # a face that was not to be used, or not there
                self._arrays.append(np.load(table.with_suffix(".npy"), mmap_mode="r"))
                pristine = _pristine_label(entry["crops"])
                for i, row in enumerate(entry["crops"]):
                    gained, shared = _gains(row, pristine)
                    gains.append(gained)
                    shares.append(shared)
                    place = {"store": folder.name, "key": table.stem, "source": entry["source"]}
                    self.rows.append({"labelled_by": "vmaf", **row, **place})
                    self._places.append((len(self._arrays) - 1, i))
        if not self.rows:
            names = ", ".join(str(folder) for folder in folders)
            raise RecipeError(f"No labelled crops in {names}: run `facegauge-train labels` first.")
        self.labels = np.array([_label(row) for row in self.rows], np.float32)
        self.gains, self.shares = np.stack(gains), np.stack(shares)
        self.order_keys = np.array([_order_key(row) for row in self.rows], np.float32)
        self.pseudo = np.array(["score" in row for row in self.rows])
        self.clips = np.array([place[0] for place in self._places])
        far = np.array([row.get("face_height", FAR_FACE) < FAR_FACE for row in self.rows])
        self.far = far & ~self.pseudo  # a teacher judges what it sees

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> npt.NDArray[np.uint8]:
        array, place = self._places[i]
        crop = self._arrays[array][place]
        if crop.shape[1::-1] == self._size:
            return crop
        return cv2.resize(crop, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def crop_height(width: int) -> int:
    """Return the height of a crop of so many px across."""
    return width * CROP_HEIGHT // CROP_WIDTH


def chain_of(row: dict[str, Any]) -> Chain:
    """Return what was done to a crop; rows of older stores lack the fields that came later."""
    return Chain(**{f.name: row[f.name] for f in fields(Chain) if f.name in row})


def _label(row: dict[str, Any]) -> float:
    if "score" in row:
        return float(row["score"])
    return label(chain_of(row), row["vmaf"], row["gmsd"], row.get("highlights"))


def _order_key(row: dict[str, Any]) -> float:
    if "score" in row:
        return float(row["score"])
    return order_key(chain_of(row), row["vmaf"], row["gmsd"], row.get("highlights"))


def _pristine_label(rows: list[dict[str, Any]]) -> float:
    """Return the mean label of a clip's untouched crops, NaN without any."""
    untouched = [_label(row) for row in rows if "score" not in row and chain_of(row) == Chain()]
    return float(np.mean(untouched)) if untouched else float("nan")


def _gains(row: dict[str, Any], pristine: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return a crop's gains and shares by cause, (6,) each.

    Rows without counterfactuals have them where one cause is all there is: without it the crop is pristine.
    """
    if "score" in row:
        return np.full(len(CAUSES), np.nan, np.float32), np.full(len(CAUSES), np.nan, np.float32)
    if "without" in row:
        return _vector(gains_alone(row)), _vector(gains_shared(row))
    causes = causes_of(chain_of(row))
    if len(causes) > 1:
        return np.full(len(CAUSES), np.nan, np.float32), np.full(len(CAUSES), np.nan, np.float32)
    vector = _vector({cause: float(np.maximum(0.0, pristine - _label(row))) for cause in causes})
    return vector, vector


def _vector(by_cause: dict[str, float]) -> npt.NDArray[np.float32]:
    return np.array([by_cause.get(cause, 0.0) for cause in CAUSES], np.float32)
