"""Make a network's input of a picture, at test and with the random choices of training.

The resize is the one that serving crops with (`facegauge_server.stages.crop.crop_region`).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_models.registry import Preprocessing
from facegauge_server.stages.crop import crop_region
from facegauge_server.types import Box
from facegauge_training.challenge.recipe import Augmentation

__all__ = ["degrade", "prepare"]

Pixels = npt.NDArray[np.uint8]
NATIVE = 1 << 30
"""Lines of a display that shows every pixel."""
ASPECTS = (3 / 4, 4 / 3)
"""Aspect ratios that RandomResizedCrop draws from, as torchvision and Albumentations have it."""


def prepare(
    picture: Pixels,
    how: Preprocessing,
    rng: np.random.Generator | None = None,
    augmentation: Augmentation | None = None,
) -> npt.NDArray[np.float32]:
    """Return a network's input, (3, height, width).

    Args:
        picture: RGB (height, width, 3).
        how: the system's preprocessing.
        rng: decides where to cut and how to augment; without it the cut is at the centre.
        augmentation: of training.
    """
    pixels = _resized(picture, how)
    if how.crop is not None:
        if how.pad:
            pixels = _padded(pixels, *how.crop)
        pixels = _cut(pixels, how, rng)
    if augmentation is not None and rng is not None:
        pixels = _augmented(pixels, augmentation, rng)
    mean, std = (np.array(values, np.float32) for values in how.normalisation)
    return np.ascontiguousarray(((pixels / np.float32(255) - mean) / std).transpose(2, 0, 1))


def degrade(picture: Pixels, rng: np.random.Generator) -> tuple[Pixels, float]:
    """Return a copy that is surely worse, and how much so, 0-1: ISeeCV's blur, noise or interpolation."""
    severity = float(rng.uniform(0.1, 1.0))
    height, width = picture.shape[:2]
    kind = int(rng.integers(3))
    if kind == 0:
        worse = cv2.GaussianBlur(picture, (0, 0), 0.5 + 4.5 * severity * min(height, width) / 300)
    elif kind == 1:
        worse = np.rint(picture + rng.normal(0, 50 * severity, picture.shape)).clip(0, 255)
    else:
        small = (max(8, round(width / (1 + 5 * severity))), max(8, round(height / (1 + 5 * severity))))
        worse = cv2.resize(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (width, height))
    return np.asarray(worse, np.uint8), severity


def _resized(picture: Pixels, how: Preprocessing) -> Pixels:
    height, width = picture.shape[:2]
    if how.size is not None:
        new_height, new_width = how.size
    elif how.short_side is not None:
        scale = how.short_side / min(height, width)
        new_height, new_width = (max(how.short_side, round(side * scale)) for side in (height, width))
    else:
        return picture
    if (new_height, new_width) == (height, width):
        return picture
    return crop_region(picture, Box(0, 0, width, height), new_width, new_height, NATIVE)


def _padded(pixels: Pixels, height: int, width: int) -> Pixels:
    down, right = max(0, height - pixels.shape[0]), max(0, width - pixels.shape[1])
    if not down and not right:
        return pixels
    border = (down // 2, down - down // 2, right // 2, right - right // 2)
    return np.asarray(cv2.copyMakeBorder(pixels, *border, cv2.BORDER_CONSTANT), np.uint8)


def _cut(pixels: Pixels, how: Preprocessing, rng: np.random.Generator | None) -> Pixels:
    assert how.crop is not None  # noqa: S101 - the caller has checked, mypy cannot know
    height, width = how.crop
    full_height, full_width = pixels.shape[:2]
    window_height, window_width = min(height, full_height), min(width, full_width)
    if rng is not None and how.area is not None:
        window_height, window_width = _drawn_window(full_height, full_width, how.area, rng)
    if rng is not None and how.position == "random":
        top = int(rng.integers(full_height - window_height + 1))
        left = int(rng.integers(full_width - window_width + 1))
    else:
        top, left = (full_height - window_height) // 2, (full_width - window_width) // 2
    if (window_height, window_width) == (height, width):
        return pixels[top : top + height, left : left + width]
    return crop_region(pixels, Box(left, top, window_width, window_height), width, height, NATIVE)


def _drawn_window(
    height: int, width: int, area: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int]:
    for _ in range(10):
        wanted = float(rng.uniform(*area)) * height * width
        aspect = float(np.exp(rng.uniform(*np.log(ASPECTS))))
        drawn = round((wanted / aspect) ** 0.5), round((wanted * aspect) ** 0.5)
        if 0 < drawn[0] <= height and 0 < drawn[1] <= width:
            return drawn
    return height, width


def _augmented(pixels: Pixels, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    if augmentation.flip and rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    if augmentation.quarter_turns and pixels.shape[0] == pixels.shape[1]:
        pixels = np.rot90(pixels, int(rng.integers(4)))
    if augmentation.rotation:
        height, width = pixels.shape[:2]
        degrees = float(rng.uniform(-augmentation.rotation, augmentation.rotation))
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        pixels = np.asarray(
            cv2.warpAffine(np.ascontiguousarray(pixels), turn, (width, height), flags=cv2.INTER_LINEAR),
            np.uint8,
        )
    return pixels
