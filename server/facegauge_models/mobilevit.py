"""MobileViT-XXS with one output: ISeeCV.

Paper: Joshi et al., "RankCORE: Ranking-Aware Correlation Optimized Regression Estimator" (report 3.8 and
appendix B); backbone: Mehta and Rastegari, "MobileViT", ICLR 2022, in timm's implementation. The report
tells losses, sampler and resolution (300x300 out of 320x320) and not the backbone. Settled: of the networks
with about 0.95 M parameters, MobileViT-XXS with a single output gives Table 1's totals to the last digit.
Cost at 300x300: 0.4890 GFLOPs, 0.9513 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

__all__ = ["MobileViTRegressor", "iseecv"]


class MobileViTRegressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 64 px -> quality (n,), unbounded."""

    backbone: Any

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = timm.create_model("mobilevit_xxs", pretrained=pretrained, num_classes=1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        return self.backbone(pictures)[:, 0]


def iseecv(pretrained: bool = False) -> MobileViTRegressor:
    """Build the network of ISeeCV."""
    return MobileViTRegressor(pretrained)
