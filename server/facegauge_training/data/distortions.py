"""What a camera and a link do to a clip before and after the codec, in the order of a call.

Every function takes and returns RGB frames, uint8, (height, width, 3). Sizes are pixels of a 720-line frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegauge_server.types import Pixels

__all__ = ["add_noise", "defocus", "expose", "move_blur", "resize_lines"]


def expose(frames: list[Pixels], stops: float) -> list[Pixels]:
    """Change the exposure by `stops` (negative: darker) in linear light (gamma 2.2), and clip."""
    codes = np.arange(256) / 255.0
    table = (255 * np.clip(codes**2.2 * 2.0**stops, 0, 1) ** (1 / 2.2) + 0.5).astype(np.uint8)
    return [cv2.LUT(frame, table).astype(np.uint8, copy=False) for frame in frames]


def add_noise(
    frames: list[Pixels], sigma: float, rng: np.random.Generator, grain: float = 0.0
) -> list[Pixels]:
    """Add Gaussian noise of standard deviation `sigma` (8-bit codes), new in every frame.

    Args:
        frames: the clip.
        sigma: before the grain's blur; the noise is scaled back to it after.
        rng: draws the noise.
        grain: sigma in px of the blur that a sensor's interpolation gives the noise; 0 for none.
    """
    height, width = frames[0].shape[:2]
    field = rng.standard_normal((height, width, 3), dtype=np.float32)
    field = (
        0.75 * field.mean(axis=2, keepdims=True) * np.float32(3**0.5) + 0.66 * field
    )  # partly common to RGB
    if grain > 0:
        field = cv2.GaussianBlur(field, (0, 0), grain)
    field *= np.float32(sigma / field.std())
    noisy = []
    for frame in frames:
        shift = (int(rng.integers(height)), int(rng.integers(width)))
        moved = np.roll(field, shift, axis=(0, 1))
        noisy.append((frame + moved + 0.5).clip(0, 255).astype(np.uint8))
    return noisy


def defocus(frames: list[Pixels], radius: float) -> list[Pixels]:
    """Blur with a disc of `radius` px, as a lens out of focus does; fractions of a pixel count."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return _filter(frames, disc / disc.sum())


def move_blur(frames: list[Pixels], length: float, angle: float) -> list[Pixels]:
    """Smear along a line of `length` px at `angle` (radians), as a moving head or a shaken hand does."""
    reach = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    line = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return _filter(frames, line / line.sum())


def resize_lines(frames: list[Pixels], lines: int, smooth: bool = True) -> list[Pixels]:
    """Resize to `lines` lines, keeping the aspect ratio to the next even width.

    Shrinking averages areas; growing is bicubic, or bilinear if not `smooth`.
    """
    height, width = frames[0].shape[:2]
    if lines == height:
        return frames
    new_width = 2 * round(width * lines / height / 2)
    growing = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    method = cv2.INTER_AREA if lines < height else growing
    resized = (cv2.resize(frame, (new_width, lines), interpolation=method) for frame in frames)
    return [frame.astype(np.uint8, copy=False) for frame in resized]


def _filter(frames: list[Pixels], kernel: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[Pixels]:
    filtered = (cv2.filter2D(frame, -1, kernel, borderType=cv2.BORDER_REPLICATE) for frame in frames)
    return [frame.astype(np.uint8, copy=False) for frame in filtered]
