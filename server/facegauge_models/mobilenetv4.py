"""MobileNetV4-Conv-Small with edited strides and a three-layer head: ECNU VIS Lab.

Backbone: Qin et al., "MobileNetV4: Universal Models for the Mobile Ecosystem", ECCV 2024, in timm's
implementation. The report (3.6): MobileNetV4 with pretrained weights, strides of its convolutions changed so
that 512x512 fits the budget; neither the size, nor which strides, nor the head.
Settled by Table 1's parameters, to the last digit: Conv-Small and the head 1280 -> 512 -> 256 -> 1 without
normalisation. Strides cost no parameters, so the text leaves them open: unedited, the network takes 0.9812
GFLOPs. We counted every edit of up to five strides of the whole network; the nearest to 0.4923 is 0.4920, and
it touches the two plain stages before the inverted bottlenecks only, where such a change is easiest made: the
3x3 convolution of stage 2 no longer halves the map, and the 1x1 convolutions that end stages 1 and 2 do. The
last map is 8x8. One edit alone comes no nearer than 0.4891 (a stride of 3). ReLU, dropout 0.2: not stated.
Cost at 512x512: 0.4920 GFLOPs, 3.2805 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

from facegauge_models.heads import regression_head

__all__ = ["STRIDES", "MobileNetV4Regressor", "ecnu_vis"]

STRIDES = {"blocks.0.1.conv": 2, "blocks.1.0.conv": 1, "blocks.1.1.conv": 2}
"""The convolutions of timm's network whose strides differ from the paper's."""


class MobileNetV4Regressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 64 px -> quality (n,), unbounded."""

    backbone: Any

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = timm.create_model("mobilenetv4_conv_small", pretrained=pretrained, num_classes=0)
        for name, stride in STRIDES.items():
            self.backbone.get_submodule(name).stride = (stride, stride)
        self.head = regression_head((1280, 512, 256, 1), activation=nn.ReLU, dropout=0.2)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        return self.head(self.backbone(pictures))[:, 0]


def ecnu_vis(pretrained: bool = False) -> MobileNetV4Regressor:
    """Build the network of ECNU VIS Lab."""
    return MobileNetV4Regressor(pretrained)
