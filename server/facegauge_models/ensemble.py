"""MobileNetV3-Small and ShuffleNetV2-x0.5, averaged: ATHENAFace.

Paper: Hamidi and Amirpour, "Face Image Quality Assessment via Lightweight Ensemble Learning and
Correlation-Driven Optimization", ICCV Workshops 2025; backbones: Howard et al., ICCV 2019, and Ma et al.,
"ShuffleNet V2", ECCV 2018, in torchvision's implementation. The report (3.4): two branches, each a regressor
of its own, the mean of their outputs, pictures resized to 600x416. Settled by Table 1's totals:
ShuffleNetV2's width (x0.5) and the heads 576 -> 256 -> 64 -> 1 and 1024 -> 512 -> 256 -> 1 with batch
normalisation on the hidden layers. Not told and free of cost: ReLU, dropout 0.2; that 600 is the height
(faces are tall).
Cost at 600x416: 0.4985 GFLOPs, 2.0916 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from facegauge_models.heads import regression_head

__all__ = ["EnsembleRegressor", "athenaface"]


class EnsembleRegressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 32 px -> quality (n,), unbounded."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        zoo = torchvision.models
        small = zoo.mobilenet_v3_small(weights=zoo.MobileNet_V3_Small_Weights.DEFAULT if pretrained else None)
        shuffle = zoo.shufflenet_v2_x0_5(
            weights=zoo.ShuffleNet_V2_X0_5_Weights.DEFAULT if pretrained else None
        )
        self.mobilenet = small.features
        self.shufflenet = nn.Sequential(
            shuffle.conv1, shuffle.maxpool, shuffle.stage2, shuffle.stage3, shuffle.stage4, shuffle.conv5
        )
        self.mobilenet_head = regression_head(
            (576, 256, 64, 1), normalised=(0, 1), activation=nn.ReLU, dropout=0.2
        )
        self.shufflenet_head = regression_head(
            (1024, 512, 256, 1), normalised=(0, 1), activation=nn.ReLU, dropout=0.2
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        a, b = self.branches(pictures)
        return (a + b) / 2

    def branches(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each branch's own quality, (n,) and (n,): the team trained them one by one."""
        a = self.mobilenet_head(_pooled(self.mobilenet(pictures)))
        b = self.shufflenet_head(_pooled(self.shufflenet(pictures)))
        return a[:, 0], b[:, 0]


def _pooled(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)  # (n, c, h, w) -> (n, c)


def athenaface(pretrained: bool = False) -> EnsembleRegressor:
    """Build the ensemble of ATHENAFace."""
    return EnsembleRegressor(pretrained)
