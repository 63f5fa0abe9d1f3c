"""A system as it is served: pixels of a face's crop in, one number within 0 and 1 out.

Its own resize, cut and normalisation are part of the network, so that the server's crop is all that it needs.
A resize that shrinks is two products with constant matrices: the same numbers as torch's antialiased one, in
operations that every runtime has.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import nn

from facegauge_models.lighthspa import AreaMeans
from facegauge_models.preparation import CentrePreparation, normalised, planes, resized, target_size
from facegauge_models.registry import Preprocessing

__all__ = ["ServedSystem"]


class ServedSystem(nn.Module):
    """Score crops of one size: pixels uint8 (n, height, width, 3) -> quality float32 (n,), 0-1."""

    def __init__(self, network: nn.Module, how: Preprocessing, height: int, width: int) -> None:
        """Wrap a network of the zoo.

        Args:
            network: takes pictures as `how` prepares them.
            how: the system's preprocessing at test.
            height: of the crops, px.
            width: of the crops, px.
        """
        super().__init__()
        self.preparation = CentrePreparation(how)
        wanted = target_size(height, width, how)
        self.shrinks = wanted[0] < height or wanted[1] < width
        self.down, self.across = (
            nn.Buffer(_weights(before, after)) for before, after in zip((height, width), wanted, strict=True)
        )
        self.network = copy.deepcopy(network).eval()
        with torch.no_grad():
            pixels = torch.zeros((1, height, width, 3), dtype=torch.uint8)
            _fix_sizes(self.network, self._prepared(pixels))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of crops."""
        quality: torch.Tensor = self.network(self._prepared(pixels))
        return quality.clamp(0, 1)

    def _prepared(self, pixels: torch.Tensor) -> torch.Tensor:
        x, how = planes(pixels), self.preparation.how
        x = self.down @ x @ self.across.T if self.shrinks else resized(x, how)
        return normalised(self.preparation.cut(x), how.normalisation)


def _weights(before: int, after: int) -> torch.Tensor:
    """Return (after, before): what each pixel of a side contributes to each one of the resized side."""
    unit = torch.eye(before)[None, None]
    resized = nn.functional.interpolate(
        unit, (after, before), mode="bilinear", align_corners=False, antialias=after < before
    )
    return resized[0, 0]


def _fix_sizes(network: nn.Module, pictures: torch.Tensor) -> None:
    """Replace layers that do what a picture's size asks for, as all have the size of these."""
    sizes: dict[str, torch.Size] = {}
    layers: dict[str, Any] = {
        name: part for name, part in network.named_modules() if isinstance(part, (Conv2dSame, AreaMeans))
    }
    hooks = [
        layer.register_forward_pre_hook(lambda _layer, given, name=name: sizes.update({name: given[0].shape}))
        for name, layer in layers.items()
    ]
    network(pictures)
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():
        size = sizes[name][2:]
        fixed = layer.fixed(*size) if isinstance(layer, AreaMeans) else _padded(layer, size)
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, fixed)


def _padded(layer: Any, size: torch.Size) -> nn.Sequential:
    """Return a convolution with the border that it puts around pictures of one size."""
    sides: Any = zip(size, layer.kernel_size, layer.stride, layer.dilation, strict=True)
    down, right = (get_same_padding(*side) for side in sides)
    border = nn.ZeroPad2d((right // 2, right - right // 2, down // 2, down - down // 2))
    fixed = nn.Conv2d(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, 0, layer.dilation,
        layer.groups, layer.bias is not None,
    )  # fmt: skip
    fixed.load_state_dict(layer.state_dict())
    return nn.Sequential(border, fixed)
