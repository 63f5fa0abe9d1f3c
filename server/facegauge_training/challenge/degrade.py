"""Make copies of pictures that are surely worse: ISeeCV's blur, noise and interpolation (appendix B)."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

__all__ = ["KINDS", "degrade"]

KINDS = ("blur", "noise", "reduction")
WIDEST = 3.0
"""Deviations of a blur's kernel on either side."""


def degrade(
    pixels: torch.Tensor, rng: np.random.Generator, kind: str | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return worse copies, 0-255 (n, h, w, 3), and how much worse each is, 0-1 (n,).

    All copies of a batch are degraded in one way; a reduction is the same for all of them.

    Args:
        pixels: 0-255, (n, h, w, 3).
        rng: draws the kind and the severities.
        kind: one of `KINDS`, instead of a drawn one.
    """
    kind = kind or KINDS[int(rng.integers(len(KINDS)))]
    count, side = len(pixels), min(pixels.shape[1:3])
    drawn = rng.uniform(0.1, 1.0, 1 if kind == "reduction" else count)
    severity = torch.as_tensor(drawn, dtype=torch.float32, device=pixels.device).expand(count)
    x = pixels.permute(0, 3, 1, 2).float()
    if kind == "blur":
        x = _blurred(x, 0.5 + 4.5 * severity * side / 300)
    elif kind == "noise":
        generator = torch.Generator(pixels.device).manual_seed(int(rng.integers(2**62)))
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        x = x + 50 * severity[:, None, None, None] * noise
    else:
        size = [max(8, round(length / (1 + 5 * float(drawn[0])))) for length in x.shape[2:]]
        small = functional.interpolate(x, size, mode="bilinear", antialias=True)
        x = functional.interpolate(small, x.shape[2:], mode="bilinear")
    return x.round().clamp(0, 255).permute(0, 2, 3, 1), severity


def _blurred(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blur each picture (n, 3, h, w) by a Gaussian of its own deviation, px."""
    count, channels, height, width = x.shape
    reach = int(min(WIDEST * float(sigma.max()) + 1, min(height, width) - 1))
    at = torch.arange(-reach, reach + 1, device=x.device)
    kernel = torch.exp(-0.5 * (at / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]  # (3 n, 1, k)
    planes = functional.pad(x.reshape(1, count * channels, height, width), [reach] * 4, mode="reflect")
    planes = functional.conv2d(planes, kernel[:, :, None, :], groups=count * channels)
    planes = functional.conv2d(planes, kernel[:, :, :, None], groups=count * channels)
    return planes.reshape(x.shape)
