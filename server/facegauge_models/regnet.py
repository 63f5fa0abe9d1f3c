"""RegNetY-400MF with a three-layer head: team RegNet.

Backbone: Radosavovic et al., "Designing Network Design Spaces", CVPR 2020, in torchvision's implementation.
The report (3.9): `regnet_y_400mf`, three fully connected layers with batch normalisation, ReLU and dropout,
240x240. Settled by Table 1's totals: the widths 440 -> 220 -> 110 -> 1. Dropout's rate is not stated: 0.3.
Cost at 240x240: 0.4895 GFLOPs, 4.0252 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from facegauge_models.heads import regression_head

__all__ = ["RegNetRegressor", "regnet"]


class RegNetRegressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 32 px -> quality (n,), unbounded."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        weights = torchvision.models.RegNet_Y_400MF_Weights.DEFAULT if pretrained else None
        network = torchvision.models.regnet_y_400mf(weights=weights)
        self.features = nn.Sequential(network.stem, network.trunk_output)
        self.head = regression_head((440, 220, 110, 1), normalised=(0, 1), activation=nn.ReLU, dropout=0.3)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        x = nn.functional.adaptive_avg_pool2d(self.features(pictures), 1)  # (n, 440, 1, 1)
        return self.head(x.flatten(1))[:, 0]


def regnet(pretrained: bool = False) -> RegNetRegressor:
    """Build the network of team RegNet."""
    return RegNetRegressor(pretrained)
