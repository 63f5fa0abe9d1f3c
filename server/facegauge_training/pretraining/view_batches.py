"""Batches of views and what the teacher says of them, made in a thread, ahead of the steps that want them.

Photos are drawn so that a large collection counts less than its size; a pair of views stays together, and is
mirrored together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch

from facegauge_training.common.errors import RecipeError
from facegauge_training.pretraining.matching import Targets
from facegauge_training.pretraining.plan import BATCH, Plan
from facegauge_training.pretraining.target_store import TargetStore, held_out_photo

__all__ = ["read_pixels", "read_views", "to_device", "view_batches"]


def view_batches(
    patches: TargetStore, crops: TargetStore, plan: Plan, start: int
) -> Iterator[tuple[torch.Tensor, Targets]]:
    """Yield the pixels and targets of each step from `start` on, made in a thread, ahead."""
    chances = {store.kind.name: _chances(store) for store in (patches, crops)}

    def make(step: int) -> tuple[torch.Tensor, Targets]:
        store = crops if plan.shows_crops(step) else patches
        rng = np.random.default_rng([plan.seed, step])
        pairs = rng.choice(store.pairs, BATCH // 2, p=chances[store.kind.name])
        return read_views(store, pairs, rng.random(BATCH // 2) < 0.5)

    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(make, start)
        for step in range(start, plan.steps):
            ready = coming.result()
            if step + 1 < plan.steps:
                coming = ahead.submit(make, step + 1)
            yield ready


def _chances(store: TargetStore) -> npt.NDArray[np.float64]:
    """Return each pair's chance to be drawn: 0 if held out, else by the root of its collection's size."""
    sizes = Counter(store.names)
    weight = [
        0.0 if held_out_photo(k) else sizes[n] ** -0.5 for k, n in zip(store.keys, store.names, strict=True)
    ]
    if not any(weight):
        raise RecipeError("No photo is left to train on: give more photos.")
    chances = np.repeat(np.array(weight), store.pairs_a_photo)
    return chances / chances.sum()


def read_pixels(store: TargetStore, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Return the views of pairs alone, (views, height, width, 3)."""
    pixels: npt.NDArray[np.uint8] = store.pixels[_views(pairs)]
    return pixels


def read_views(
    store: TargetStore, pairs: npt.NDArray[np.int64], flipped: npt.NDArray[np.bool_]
) -> tuple[torch.Tensor, Targets]:
    """Return the views of pairs and what the teacher says of them; those of a flipped pair are mirrored."""
    views, mirror = _views(pairs), np.repeat(flipped, 2)
    pixels = read_pixels(store, pairs)
    pixels[mirror] = pixels[mirror, :, ::-1]
    maps = {}
    for stride, kept in store.outputs.maps.items():
        found = kept[views].astype(np.float32)
        found[mirror] = found[mirror][..., ::-1]
        maps[stride] = torch.from_numpy(found)
    known = torch.from_numpy(store.outputs.statistics[views].astype(np.float32))
    return torch.from_numpy(pixels), Targets(known, maps)


def _views(pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the numbers of the views of pairs."""
    return np.stack((2 * pairs, 2 * pairs + 1), axis=1).ravel()


def to_device(targets: Targets, device: torch.device) -> Targets:
    """Return the targets on a device."""
    return Targets(targets.statistics.to(device), {s: found.to(device) for s, found in targets.maps.items()})
