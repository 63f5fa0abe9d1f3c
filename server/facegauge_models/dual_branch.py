"""Small kernels for texture beside large ones for the whole face: BIT_ssvgg.

The report (3.11): a MobileNetV2 branch for local distortions, a branch of large-kernel convolutions (Ding
et al., "Scaling Up Your Kernels to 31x31: Revisiting Large Kernel Design in CNNs", CVPR 2022) for global
structure, their outputs aggregated; 224x336 pixels. It tells no widths, so Table 1's totals are met within
5%, not exactly. Settled, and why:
- MobileNetV2 at width 1 takes 0.4751 of the 0.5120 GFLOPs and 2.2239 M of the 4.7242 M parameters. What is
  left has 70 parameters for every multiply-add: little can be spent on maps, most of it stands in the head.
- The large-kernel branch sees the picture halved, through an 8x8 patch stem; then a block with a 31x31
  kernel at 14x21 and, after a reduction, one with 13x13 at 7x11. A block is that paper's: a depthwise large
  kernel beside a small one (5x5, which it folds in at inference), between pointwise layers, then a
  feed-forward layer.
- 224x336 is height by width, as ATHENAFace's 600x416 is and as torchvision's resize takes it; both ways cost
  the same, so Table 1 does not tell. Crops, which are taller than wide, come out squashed.
- Aggregation: the pooled ends of both branches, concatenated, into a perceptron of two hidden layers.
Cost at 224x336: 0.5129 GFLOPs, 4.7266 M parameters (`python -m facegauge_models --no-timing`).
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from facegauge_models.heads import regression_head

__all__ = ["DualBranch", "LargeKernelBlock", "bit_ssvgg"]


class LargeKernelBlock(nn.Module):
    """Depthwise large kernel and a feed-forward layer, each added to its input: (n, c, h, w) -> the same."""

    SMALL = 5

    def __init__(self, channels: int, kernel: int, expansion: int = 4) -> None:
        super().__init__()
        self.enter = nn.Sequential(
            nn.BatchNorm2d(channels), nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )
        self.large, self.small = (
            nn.Sequential(
                nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels, bias=False),
                nn.BatchNorm2d(channels),
            )
            for size in (kernel, self.SMALL)
        )
        self.leave = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.feed_forward = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, expansion * channels, 1, bias=False),
            nn.BatchNorm2d(expansion * channels),
            nn.GELU(),
            nn.Conv2d(expansion * channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the map, each position informed by all within the large kernel."""
        inner = self.enter(x).relu()
        x = x + self.leave((self.large(inner) + self.small(inner)).relu())
        return x + self.feed_forward(x)


class DualBranch(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 64 px -> quality (n,), unbounded."""

    WIDTHS = (48, 96)
    KERNELS = (31, 13)
    HIDDEN = (1024, 832)

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        weights = torchvision.models.MobileNet_V2_Weights.DEFAULT if pretrained else None
        fine, coarse = self.WIDTHS
        self.local = torchvision.models.mobilenet_v2(weights=weights).features
        self.whole = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(3, fine, 8, stride=8, bias=False),
            nn.BatchNorm2d(fine),
            nn.ReLU(),
            LargeKernelBlock(fine, self.KERNELS[0]),
            nn.Conv2d(fine, coarse, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(coarse),
            nn.ReLU(),
            LargeKernelBlock(coarse, self.KERNELS[1]),
        )
        self.head = regression_head(
            (1280 + coarse, *self.HIDDEN, 1), normalised=(0, 1), activation=nn.ReLU, dropout=0.2
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        local, whole = self.local(pictures), self.whole(pictures)
        pooled = torch.cat((local.mean(dim=(2, 3)), whole.mean(dim=(2, 3))), dim=1)
        return self.head(pooled)[:, 0]


def bit_ssvgg(pretrained: bool = False) -> DualBranch:
    """Build the network of BIT_ssvgg."""
    return DualBranch(pretrained)
