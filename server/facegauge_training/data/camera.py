"""What a webcam and a call's software do to a picture before it is coded: real noise, denoising, filters.

Every function takes and returns RGB frames, uint8, (height, width, 3), of one size.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels

__all__ = ["add_sensor_noise", "denoise", "sharpen", "smooth_skin"]

READ_SHARE = 0.5
"""Part of the noise's variance at middle grey that does not depend on the light."""
FLOOR = 0.05
"""Linear light under which the noise grows no further: a camera's black level."""
BLOTCH = 3.0
"""Sigma, px, of chroma noise, which webcams interpolate and smooth more than luma."""


def add_sensor_noise(frames: list[Pixels], sigma: float, rng: np.random.Generator) -> list[Pixels]:
    """Add noise as a small sensor makes it: strongest in the shadows, grainy in luma, blotchy in chroma.

    Shot noise has a variance in proportion to the light, read noise a constant one; gamma 2.2 turns both into
    8-bit codes, which multiplies dark pixels' noise most.

    Args:
        frames: the clip.
        sigma: standard deviation of luma at middle grey (code 128), 8-bit codes.
        rng: draws the noise; each frame shows another place of one field.
    """
    height, width = frames[0].shape[:2]
    grain = rng.standard_normal((height, width), dtype=np.float32)
    luma = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.6), np.float32)
    small = rng.standard_normal((height // 2, width // 2, 2), dtype=np.float32)
    chroma = cv2.resize(cv2.GaussianBlur(small, (0, 0), BLOTCH / 2), (width, height))
    luma /= luma.std()
    chroma *= np.float32(0.35) / chroma.std(axis=(0, 1))
    red, blue = 1.402 * chroma[:, :, 0], 1.772 * chroma[:, :, 1]
    green = -0.714 * chroma[:, :, 0] - 0.344 * chroma[:, :, 1]
    field = (luma[:, :, None] + np.dstack([red, green, blue])) * np.float32(sigma)
    table = _deviation_by_code()
    noisy = []
    for frame in frames:
        moved = np.roll(field, (int(rng.integers(height)), int(rng.integers(width))), axis=(0, 1))
        noisy.append((frame + moved * table[frame] + 0.5).clip(0, 255).astype(np.uint8))
    return noisy


def denoise(frames: list[Pixels], strength: float) -> list[Pixels]:
    """Denoise as a webcam does: edge-preserving within a frame, then a running mean over time.

    Args:
        frames: the clip.
        strength: 8-bit codes that are taken for noise.
    """
    kept: list[Pixels] = []
    for frame in frames:
        smooth = cv2.bilateralFilter(frame, 5, 2.0 * strength, 2.0)
        if kept:
            smooth = cv2.addWeighted(smooth, 0.7, kept[-1], 0.3, 0.0)
        kept.append(smooth.astype(np.uint8, copy=False))
    return kept


def sharpen(frames: list[Pixels], amount: float) -> list[Pixels]:
    """Add `amount` times what a blur of 1.2 px takes away, as cameras and video filters do."""
    sharpened = (cv2.addWeighted(f, 1 + amount, cv2.GaussianBlur(f, (0, 0), 1.2), -amount, 0) for f in frames)
    return [frame.astype(np.uint8, copy=False) for frame in sharpened]


def smooth_skin(frames: list[Pixels], strength: float) -> list[Pixels]:
    """Smooth skin and keep edges, as a beauty filter does.

    Args:
        frames: the clip.
        strength: 0 for nothing to 1 for skin without pores; eyes, brows and hair stay sharp.
    """
    smoothed = []
    for frame in frames:
        soft = cv2.bilateralFilter(frame, 7, 10 + 15 * strength, 4)
        smoothed.append(
            cv2.addWeighted(frame, 1 - 0.85 * strength, soft, 0.85 * strength, 0).astype(np.uint8, copy=False)
        )
    return smoothed


def _deviation_by_code() -> npt.NDArray[np.float32]:
    """Return the noise's standard deviation by 8-bit code, 1 at middle grey: float32 (256,)."""
    light = np.maximum((np.arange(256) / 255) ** 2.2, FLOOR)
    grey = (128 / 255) ** 2.2
    slope = light ** (1 / 2.2 - 1) / grey ** (1 / 2.2 - 1)
    variance = slope**2 * (READ_SHARE + (1 - READ_SHARE) * light / grey)
    return np.sqrt(variance).astype(np.float32)
