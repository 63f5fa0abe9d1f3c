"""EdgeNeXt-XX-Small with a two-layer head: the winner of the challenge (ECNU-SJTU VQA Team).

Paper: Sun et al., "Efficient Face Image Quality Assessment via Self-training and Knowledge Distillation",
ICCV Workshops 2025; backbone: Maaz et al., "EdgeNeXt", ECCV Workshops 2022, in timm's implementation. The
report (3.1): the classification head gives way to a two-layer perceptron of 128 and 1 neurons; short side
288, centre crop 288x288. Settled: nothing; the perceptron has no activation between its layers, as in the
team's published code, and without the layer normalisation that timm's classifier brings: Table 1's totals to
the last digit. The team began with ImageNet's weights; without them the stem and the layer scales begin as
`cosine_stem` says.
Cost at 288x288: 0.3313 GFLOPs, 1.1796 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

from facegauge_models.cosine_stem import patch_stem, start_as_cosines, wake_layer_scales
from facegauge_models.heads import regression_head

__all__ = ["EdgeNeXtRegressor", "ecnu_sjtu"]


class EdgeNeXtRegressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 64 px -> quality (n,), unbounded."""

    backbone: Any

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = timm.create_model("edgenext_xx_small", pretrained=pretrained, num_classes=0)
        self.backbone.head = nn.Identity()  # the classifier's layer normalisation goes with it
        stem = patch_stem(self.backbone)
        if stem is not None and not pretrained:
            start_as_cosines(stem)
            wake_layer_scales(self.backbone)
        self.head = regression_head((self.backbone.num_features, 128, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        x = self.backbone.forward_features(pictures).mean(dim=(2, 3))  # (n, 168)
        return self.head(x)[:, 0]


def ecnu_sjtu(pretrained: bool = False) -> EdgeNeXtRegressor:
    """Build the student of ECNU-SJTU VQA Team."""
    return EdgeNeXtRegressor(pretrained)
