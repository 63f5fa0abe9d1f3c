"""A better start from random weights for networks whose stem cuts the picture into patches (ConvNeXt's kind).

Such a stem is one strided convolution, and a layer normalisation follows: at random weights all its maps are
led by the picture's level, which normalisation keeps and by which it divides what tells sharp from soft. So
the stem starts as a discrete cosine transform of each patch (Ahmed, Natarajan and Rao, 1974), with the level
turned down and detail turned up. Layer scales start at a tenth instead of a millionth: that protects networks
of a hundred blocks, and these have a dozen. What it gave EdgeNeXt-XX-Small is in `facegauge_training/LOG.md`.
"""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["patch_stem", "start_as_cosines", "wake_layer_scales"]

LUMA = (0.299, 0.587, 0.114)
BLUE_DIFFERENCE = (-0.169, -0.331, 0.5)
RED_DIFFERENCE = (0.5, -0.419, -0.081)
"""ITU-R BT.601, as JPEG has them."""
LEVEL_GAIN, DETAIL_GAIN = 0.25, 4.0
LAYER_SCALE = 0.1


def patch_stem(backbone: nn.Module) -> nn.Conv2d | None:
    """Return the first convolution if it takes pictures patch by patch: with a stride as wide as it is."""
    first = next((m for m in backbone.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or first.in_channels != len(LUMA) or first.kernel_size != first.stride:
        return None
    return first


@torch.no_grad()
def start_as_cosines(stem: nn.Conv2d) -> None:
    """Set a patch stem's filters to cosines: of luma, then of the colour differences, low ones first.

    Filters beyond three times the pixels of a patch keep their random weights.
    """
    height, width = (int(side) for side in stem.kernel_size)
    waves = sorted(((v, u) for v in range(height) for u in range(width)), key=lambda wave: (sum(wave), wave))
    luma = [(LUMA, wave) for wave in waves]
    colours = [(colour, wave) for wave in waves for colour in (BLUE_DIFFERENCE, RED_DIFFERENCE)]
    down, across = _cosines(height), _cosines(width)
    for index, (colour, (v, u)) in enumerate((luma + colours)[: stem.out_channels]):
        gain = DETAIL_GAIN if u or v else LEVEL_GAIN
        stem.weight[index] = gain * torch.tensor(colour)[:, None, None] * torch.outer(down[v], across[u])
    if stem.bias is not None:
        stem.bias.zero_()


@torch.no_grad()
def wake_layer_scales(backbone: nn.Module) -> None:
    """Let every residual branch speak from the start (timm calls the scale `gamma`)."""
    for name, parameter in backbone.named_parameters():
        if name.rpartition(".")[2].startswith("gamma"):
            parameter.fill_(LAYER_SCALE)


def _cosines(length: int) -> torch.Tensor:
    """Return the orthonormal type II cosines, (frequency, place)."""
    place, frequency = torch.arange(length) + 0.5, torch.arange(length)[:, None]
    waves = math.sqrt(2 / length) * torch.cos(math.pi / length * frequency * place)
    waves[0] /= math.sqrt(2)
    return waves
