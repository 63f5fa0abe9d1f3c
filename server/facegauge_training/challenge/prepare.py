"""Make a network's input of a batch of pictures, with the random choices of training, on any device.

What is drawn comes from a NumPy generator, a value a picture, so that a batch is the same on every device and
in a resumed run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from facegauge_models.preparation import (
    CentrePreparation,
    bordered,
    normalised,
    padding,
    planes,
    resized,
)
from facegauge_models.registry import Preprocessing
from facegauge_server.types import Pixels
from facegauge_training.challenge.recipe import Augmentation

__all__ = ["by_size", "prepare", "prepare_mixed"]

ASPECTS = (3 / 4, 4 / 3)
"""Aspect ratios that RandomResizedCrop draws from, as torchvision and Albumentations have it."""
Floats = npt.NDArray[np.float64]
T = TypeVar("T", bound=np.generic)


def by_size(pictures: Sequence[npt.NDArray[T]]) -> list[tuple[list[int], npt.NDArray[T]]]:
    """Stack pictures of equal shape: their numbers and (n, ...), for each shape."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, picture in enumerate(pictures):
        groups.setdefault(picture.shape, []).append(number)
    return [(numbers, np.stack([pictures[n] for n in numbers])) for numbers in groups.values()]


def prepare_mixed(
    pictures: Sequence[Pixels],
    how: Preprocessing,
    device: torch.device,
    rng: np.random.Generator | None = None,
    augmentation: Augmentation | None = None,
) -> torch.Tensor:
    """Prepare pictures of whatever sizes, for a system that makes one size of them; see `prepare`."""
    parts, order = [], []
    for numbers, stack in by_size(pictures):
        parts.append(prepare(torch.from_numpy(stack).to(device), how, rng, augmentation))
        order += numbers
    whole = torch.cat(parts)
    return whole if order == sorted(order) else whole[torch.tensor(np.argsort(order), device=device)]


def prepare(
    pixels: torch.Tensor,
    how: Preprocessing,
    rng: np.random.Generator | None = None,
    augmentation: Augmentation | None = None,
) -> torch.Tensor:
    """Return a network's input, (n, 3, height, width), channels last in memory.

    Args:
        pixels: RGB, 0-255, (n, height, width, 3).
        how: the system's preprocessing.
        rng: decides where to cut and how to augment; without it the cut is at the centre.
        augmentation: of training.
    """
    if rng is None:
        return CentrePreparation(how)(pixels).contiguous(memory_format=torch.channels_last)
    x = resized(planes(pixels), how)
    if how.area is None or how.pad == "mirror":  # a zoomed window keeps off a black border by itself
        x = bordered(x, how)
    if how.crop is not None and how.area is not None:
        x = _zoomed(x, how, how.area, rng)
    elif how.crop is not None:
        x = _cut(x, how, rng)
    if augmentation is not None:
        x = _augmented(x, augmentation, rng)
    return normalised(x, how.normalisation).contiguous(memory_format=torch.channels_last)


def _cut(x: torch.Tensor, how: Preprocessing, rng: np.random.Generator) -> torch.Tensor:
    """Cut `how.crop` out of each picture, at the centre or at a place of its own."""
    assert how.crop is not None  # noqa: S101 - the caller has checked, mypy cannot know
    height, width = how.crop
    free_height, free_width = int(x.shape[2]) - height, int(x.shape[3]) - width
    if how.position == "centre" or (free_height, free_width) == (0, 0):
        top, left = free_height // 2, free_width // 2
        return x[:, :, top : top + height, left : left + width]
    tops, lefts = (rng.integers(free + 1, size=len(x)) for free in (free_height, free_width))
    rows = torch.as_tensor(tops[:, None] + np.arange(height), device=x.device)
    columns = torch.as_tensor(lefts[:, None] + np.arange(width), device=x.device)
    number = torch.arange(len(x), device=x.device)[:, None, None]
    cut = x.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]]
    return cut.permute(0, 3, 1, 2)


def _zoomed(
    x: torch.Tensor, how: Preprocessing, area: tuple[float, float], rng: np.random.Generator
) -> torch.Tensor:
    """Show a window of a random share of each padded picture's area at the size of `how.crop`.

    A window lies within the picture or has all of it, so that none shows more of a black border than it must.
    """
    assert how.crop is not None  # noqa: S101 - the caller has checked, mypy cannot know
    count, height, width = len(x), int(x.shape[2]), int(x.shape[3])
    left, right, top, bottom = padding((height, width), how)
    whole_height, whole_width = height + top + bottom, width + left + right
    shares = rng.uniform(*area, size=count) * whole_height * whole_width
    aspects = np.exp(rng.uniform(math.log(ASPECTS[0]), math.log(ASPECTS[1]), size=count))
    heights = np.minimum(whole_height, np.sqrt(shares / aspects))
    widths = np.minimum(whole_width, np.sqrt(shares * aspects))
    tops = _place(rng.random(count), heights, top, height, whole_height) - top
    lefts = _place(rng.random(count), widths, left, width, whole_width) - left
    centres = (2 * lefts + widths) / width - 1, (2 * tops + heights) / height - 1
    return _sampled(x, (widths / width, np.zeros(count), centres[0]),
                    (np.zeros(count), heights / height, centres[1]), how.crop)  # fmt: skip


def _place(share: Floats, window: Floats, start: int, length: int, whole: int) -> Floats:
    """Return where windows begin along one side, within the picture or around it."""
    first, last = np.minimum(start, start + length - window), np.maximum(start, start + length - window)
    return np.clip(first + share * (last - first), 0, whole - window)


def _augmented(x: torch.Tensor, augmentation: Augmentation, rng: np.random.Generator) -> torch.Tensor:
    count = len(x)
    if augmentation.flip:
        flipped = torch.as_tensor(rng.random(count) < 0.5, device=x.device)
        x = torch.where(flipped[:, None, None, None], x.flip(3), x)
    if augmentation.quarter_turns and x.shape[2] == x.shape[3]:
        turns = torch.as_tensor(rng.integers(4, size=count), device=x.device)[:, None, None, None]
        x = torch.where(turns % 2 == 1, x.transpose(2, 3), x)
        x = torch.where((turns == 1) | (turns == 2), x.flip(2), x)
        x = torch.where((turns == 2) | (turns == 3), x.flip(3), x)
    if augmentation.rotation:
        height, width = int(x.shape[2]), int(x.shape[3])
        angles = rng.uniform(-augmentation.rotation, augmentation.rotation, size=count) * math.pi / 180
        cosine, sine, none = np.cos(angles), np.sin(angles), np.zeros(count)
        x = _sampled(x, (cosine, -sine * height / width, none), (sine * width / height, cosine, none),
                     (height, width))  # fmt: skip
    return x


def _sampled(
    x: torch.Tensor,
    across: tuple[Floats, Floats, Floats],
    down: tuple[Floats, Floats, Floats],
    size: tuple[int, int],
) -> torch.Tensor:
    """Sample each picture where an affine map of its own says; beyond the picture is black.

    Args:
        x: planes (n, 3, h, w).
        across: for each picture, what the output's x, y and 1 contribute to the input's x, all within -1..1.
        down: likewise for the input's y.
        size: of the output.
    """
    maps = np.stack([np.stack(across, axis=1), np.stack(down, axis=1)], axis=1)  # (n, 2, 3)
    theta = torch.as_tensor(maps, dtype=torch.float32, device=x.device)
    grid = functional.affine_grid(theta, [len(x), x.shape[1], *size], align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
