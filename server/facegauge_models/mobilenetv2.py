"""MobileNetV2 with a three-layer head: the organisers' baseline, and JNU620.

Backbone: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, in
torchvision's implementation. The report (2.2, 3.7): a MobileNetV2 and a regressor, 224x224 patches for the
baseline, 256x256 for JNU620, whose parameters in Table 1 are the baseline's own. Settled by the totals: the
head 1280 -> 640 -> 320 -> 1 with batch normalisation on the hidden layers. Not told and free of cost: ReLU,
dropout 0.2.
Cost: 0.3139 GFLOPs at 224x224, 0.4097 at 256x256, 3.2511 M parameters (`python -m facegauge_models
--no-timing`).
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from facegauge_models.heads import regression_head

__all__ = ["MobileNetV2Regressor", "baseline", "jnu620"]


class MobileNetV2Regressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 32 px -> quality (n,), unbounded."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        weights = torchvision.models.MobileNet_V2_Weights.DEFAULT if pretrained else None
        self.features = torchvision.models.mobilenet_v2(weights=weights).features
        self.head = regression_head((1280, 640, 320, 1), normalised=(0, 1), activation=nn.ReLU, dropout=0.2)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        x = nn.functional.adaptive_avg_pool2d(self.features(pictures), 1)  # (n, 1280, 1, 1)
        return self.head(x.flatten(1))[:, 0]


def baseline(pretrained: bool = False) -> MobileNetV2Regressor:
    """Build the organisers' baseline."""
    return MobileNetV2Regressor(pretrained)


def jnu620(pretrained: bool = False) -> MobileNetV2Regressor:
    """Build the network of JNU620: the baseline's, tested on 256x256 pixels."""
    return MobileNetV2Regressor(pretrained)
