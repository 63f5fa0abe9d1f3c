"""Turn stores of labelled crops into batches: flips, patches, a little colour; prefetched in a thread.

A batch is made of groups of `GROUP` crops of one clip, so that it holds versions of a face to put in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from facegauge_training.data.crop_set import CropSet

__all__ = ["CropBatch", "batches", "held_out", "in_groups", "patch_size", "split_crops"]

GROUP = 4
VALIDATION_ROWS = 600


@dataclass(frozen=True, slots=True)
class CropBatch:
    """Crops to train on."""

    pixels: torch.Tensor
    """float32 (n, h, w, 3), RGB, 0-255."""
    labels: torch.Tensor
    """float32 (n,), 0-1."""
    order_keys: torch.Tensor
    """float32 (n,)."""
    gains: torch.Tensor
    """float32 (n, 6), 0-1, NaN where it was not measured: the quality that comes back without each cause."""
    clips: torch.Tensor
    """int64 (n,)."""
    valued: torch.Tensor
    """bool (n,): whether the label is to be met, rather than the order within the clip alone."""
    rows: torch.Tensor
    """int64 (n,): which crops of the store these are."""


def held_out(crops: CropSet) -> npt.NDArray[np.bool_]:
    """Mark, bool (n,), the crops of one photo in sixteen: never trained on, they choose between trainings."""
    return np.array([int(row["key"][:4], 16) % 16 == 0 for row in crops.rows])


def split_crops(crops: CropSet) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return which crops to train on, and some 600 held-out ones for validation, all labelled by VMAF."""
    aside = held_out(crops) & ~crops.pseudo
    return np.flatnonzero(~aside), np.flatnonzero(aside)[:: max(1, int(aside.sum()) // VALIDATION_ROWS)]


def batches(
    crops: CropSet,
    chosen: npt.NDArray[np.intp],
    size: int,
    seed: int,
    start: int = 0,
    patch: float = 1.0,
) -> Iterator[CropBatch]:
    """Yield shuffled batches for ever.

    Args:
        crops: the store.
        chosen: which crops take part.
        size: of a batch, a multiple of `GROUP`.
        seed: decides the shuffles and the changes.
        start: batches to leave out at the beginning, when a training resumes.
        patch: share of height and width that a batch shows of each crop, from a random place. Quality is a
            matter of detail: a patch at full scale teaches it at a fraction of the cost.
    """
    with ThreadPoolExecutor(1) as ahead:
        step = start
        coming = ahead.submit(_batch, crops, chosen, size, seed, step, patch)
        while True:
            ready = coming.result()
            step += 1
            coming = ahead.submit(_batch, crops, chosen, size, seed, step, patch)
            yield ready


def _batch(
    crops: CropSet, chosen: npt.NDArray[np.intp], size: int, seed: int, step: int, patch: float
) -> CropBatch:
    per_epoch = max(1, len(chosen) // size)
    order = in_groups(crops, chosen, np.random.default_rng([seed, step // per_epoch]))
    at = (step % per_epoch) * size
    picked = order[at : at + size]
    rng = np.random.default_rng([seed, step, 1])
    full_height, full_width = crops[int(picked[0])].shape[:2]
    height, width = (patch_size(side, patch) for side in (full_height, full_width))
    pixels = np.empty((len(picked), height, width, 3), np.uint8)
    for n, i in enumerate(picked):
        top = int(rng.integers(full_height - height + 1))
        left = int(rng.integers(full_width - width + 1))
        window = crops[int(i)][top : top + height, left : left + width]
        pixels[n] = window[:, ::-1] if rng.random() < 0.5 else window
    tint = torch.from_numpy(rng.normal(1.0, 0.03, (len(picked), 1, 1, 3)).astype(np.float32))
    return CropBatch(
        (torch.from_numpy(pixels) * tint).clamp_(0, 255),
        torch.from_numpy(crops.labels[picked]),
        torch.from_numpy(crops.order_keys[picked]),
        torch.from_numpy(crops.gains[picked]),
        torch.from_numpy(crops.clips[picked]),
        torch.from_numpy(~crops.far[picked]),
        torch.from_numpy(picked),
    )


def patch_size(side: int, patch: float) -> int:
    """Return the px of a patch that shows such a share of a side, a multiple of 32."""
    return round(side * patch / 32) * 32


def in_groups(crops: CropSet, chosen: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Shuffle so that groups of `GROUP` neighbours are from one clip, but for what is left over of each."""
    shuffled = rng.permutation(chosen)
    by_clip = shuffled[np.argsort(crops.clips[shuffled], kind="stable")]
    groups = by_clip[: len(by_clip) // GROUP * GROUP].reshape(-1, GROUP)
    return np.concatenate([rng.permutation(groups).ravel(), by_clip[len(groups) * GROUP :]])
