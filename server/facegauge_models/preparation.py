"""Make a system's input of pixels, on whatever device they are: resize, pad, cut, normalise.

The steps of `registry.Preprocessing` on batches of pictures of one size, as training, export and measurement
use them alike. Resizing is bilinear and antialiased where it shrinks, as torchvision's on pictures is; no
team says which it used.
"""

from __future__ import annotations

import torch
from torch import nn

from facegauge_models.imagenet import Normalisation
from facegauge_models.registry import Preprocessing

__all__ = ["CentrePreparation", "bordered", "normalised", "padding", "planes", "resized", "target_size"]


def planes(pixels: torch.Tensor) -> torch.Tensor:
    """Return pixels (n, h, w, 3) as float32 planes (n, 3, h, w), 0-255, channels last in memory."""
    return pixels.permute(0, 3, 1, 2).float()


def target_size(height: int, width: int, how: Preprocessing) -> tuple[int, int]:
    """Return the height and width that a picture is resized to."""
    if how.size is not None:
        return how.size
    if how.short_side is None:
        return height, width
    scale = how.short_side / min(height, width)
    return max(how.short_side, round(height * scale)), max(how.short_side, round(width * scale))


def resized(x: torch.Tensor, how: Preprocessing) -> torch.Tensor:
    """Resize planes (n, 3, h, w) to what the system asks for, if it does."""
    height, width = int(x.shape[2]), int(x.shape[3])
    wanted = target_size(height, width, how)
    if wanted == (height, width):
        return x
    shrinks = wanted[0] < height or wanted[1] < width
    return nn.functional.interpolate(x, wanted, mode="bilinear", align_corners=False, antialias=shrinks)


def padding(shape: tuple[int, int], how: Preprocessing) -> tuple[int, int, int, int]:
    """Return the border, (left, right, top, bottom), that a picture (height, width) gets."""
    if how.crop is None or how.pad is None:
        return 0, 0, 0, 0
    down, right = max(0, how.crop[0] - shape[0]), max(0, how.crop[1] - shape[1])
    return right // 2, right - right // 2, down // 2, down - down // 2


def bordered(x: torch.Tensor, how: Preprocessing) -> torch.Tensor:
    """Surround planes (n, 3, h, w) that are smaller than the crop, as the system asks for."""
    height, width = int(x.shape[2]), int(x.shape[3])
    left, right, top, bottom = padding((height, width), how)
    if not any((left, right, top, bottom)):
        return x
    if how.pad == "black":
        return nn.functional.pad(x, (left, right, top, bottom))
    x = x.index_select(2, _mirrored(top, height, bottom).to(x.device))
    return x.index_select(3, _mirrored(left, width, right).to(x.device))


def _mirrored(before: int, length: int, after: int) -> torch.Tensor:
    """Return places along a line that goes on beyond its ends by its mirror image, as often as it must.

    The ends themselves come once, as in OpenCV's `BORDER_REFLECT_101`.
    """
    there_and_back = max(1, 2 * (length - 1))
    places = [place % there_and_back for place in range(-before, length + after)]
    return torch.tensor([min(place, there_and_back - place) for place in places])


def normalised(x: torch.Tensor, normalisation: Normalisation) -> torch.Tensor:
    """Scale planes of 0-255 to 0-1, then subtract the mean and divide by the deviation."""
    mean, deviation = (torch.tensor(values, device=x.device)[:, None, None] * 255 for values in normalisation)
    return (x - mean) / deviation


class CentrePreparation(nn.Module):
    """Prepare pixels (n, h, w, 3), 0-255, as the system tests -> (n, 3, height, width)."""

    def __init__(self, how: Preprocessing) -> None:
        super().__init__()
        self.how = how

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the network's input."""
        return normalised(self.cut(resized(planes(pixels), self.how)), self.how.normalisation)

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        """Pad resized planes, and cut out their centre."""
        x = bordered(x, self.how)
        if self.how.crop is not None:
            height, width = self.how.crop
            top, left = (int(x.shape[2]) - height) // 2, (int(x.shape[3]) - width) // 2
            # Not slices: these become operations that onnx2torch runs on the CPU.
            if height < x.shape[2]:
                x = x.index_select(2, torch.arange(top, top + height, device=x.device))
            if width < x.shape[3]:
                x = x.index_select(3, torch.arange(left, left + width, device=x.device))
        return x
