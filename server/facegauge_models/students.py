"""The students that Facegauge ships: a light backbone, mean and deviation pooling, a quality and its causes.

Backbone: MobileNetV3-Small (Howard et al., "Searching for MobileNetV3", ICCV 2019) in timm's implementation,
without its classifier. What differs: the map of every scale, from stride 2 to 32, is pooled to its mean and
its standard deviation over space. Whether a face is soft by nature or lost its pixels is seen at the finest
scales, which the last map has forgotten, and a face that is bad in places differs from one that is mediocre
all over. Backbones with layer normalisation, such as EdgeNeXt's, leave these figures nearly the same for all
pictures at first, so that they are normalised over the batch; and they start as `cosine_stem` says. A small
head ends in a sigmoid, since a linear output diverged when trained from scratch. Normalisation is part of the
network, so that serving hands over camera pixels; one mean and one power of two for all channels, since a
whole number over a power of two is exact in bfloat16 too.

A second head says what is wrong: for each of `CAUSES` the quality that would come back if this cause alone
were gone. It is a share of what the first head says was lost, so that no cause can give back more than there
is to gain, and a good picture has no cause. The first head does not learn from it.

With `edgenext_xx_small` this is the challenge winner's backbone under our head, not their network: 0.442
billion multiply-adds and 1.33 M parameters at 288x384; `edgenext.py` has the report's 0.3313 and 1.1796.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

from facegauge_models.causes import CAUSES
from facegauge_models.cosine_stem import patch_stem, start_as_cosines, wake_layer_scales

__all__ = ["FaceStudent"]


class FaceStudent(nn.Module):
    """Score face crops: pixels (n, height, width, 3), RGB, 0-255 -> quality (n,) and causes (n, 6), 0-1."""

    MEAN = 116.0
    """Level of a camera's pixels that is 0 to the network, all channels."""
    SCALE = 64.0
    """Levels that are 1 to it."""
    backbone: Any

    def __init__(
        self, backbone: str = "mobilenetv3_small_100", hidden: int = 128, pretrained: bool = False
    ) -> None:
        """Build the network.

        Args:
            backbone: timm's name of a network whose scales `forward_intermediates` gives.
            hidden: features of the head.
            pretrained: whether timm shall load ImageNet weights.
        """
        super().__init__()
        self.hidden = hidden
        self.backbone = timm.create_model(backbone, pretrained=pretrained, num_classes=0, global_pool="")
        for unused in (
            "conv_head",
            "norm_head",
            "bn2",
            "act2",
            "classifier",
            "head",
        ):  # timm's classifier, never called
            if hasattr(self.backbone, unused):
                setattr(self.backbone, unused, nn.Identity())
        stem = patch_stem(self.backbone)
        if stem is not None and not pretrained:
            start_as_cosines(stem)
            wake_layer_scales(self.backbone)
        channels = sum(int(scale["num_chs"]) for scale in self.backbone.feature_info)
        has_statistics = any(isinstance(module, nn.BatchNorm2d) for module in self.backbone.modules())
        self.norm = nn.Identity() if has_statistics else nn.BatchNorm1d(2 * channels, affine=False)
        self.head = nn.Sequential(
            nn.Linear(2 * channels, hidden), nn.Hardswish(), nn.Dropout(0.1), nn.Linear(hidden, 1)
        )
        self.cause_head = nn.Sequential(
            nn.Linear(2 * channels, hidden), nn.Hardswish(), nn.Dropout(0.1), nn.Linear(hidden, len(CAUSES))
        )

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return quality (n,) and causes (n, 6), float32, of uint8 or float crops (n, height, width, 3)."""
        pooled = self.pooled(pixels)
        quality = self.score(self.features(pooled))
        return quality, self.causes(pooled, quality)

    def pooled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return mean and deviation of every channel of every scale, float32 (n, 2 channels)."""
        x = (pixels.float() - self.MEAN) / self.SCALE
        x = x.permute(0, 3, 1, 2)  # (n, 3, h, w), channels last in memory
        scales = self.backbone.forward_intermediates(x, intermediates_only=True)  # 5 of (n, c, h/s, w/s)
        return self.norm(torch.cat([_pool(scale.float()) for scale in scales], dim=1))

    def features(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return what the quality is made from, float32 (n, hidden)."""
        return self.head[1](self.head[0](pooled))

    def score(self, features: torch.Tensor) -> torch.Tensor:
        """Return the quality, float32 (n,), of features (n, hidden)."""
        return torch.sigmoid(self.head[3](self.head[2](features))[:, 0])

    def causes(self, pooled: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
        """Return the quality that would come back without each cause, float32 (n, 6)."""
        return torch.sigmoid(self.cause_head(pooled)) * (1 - quality.detach())[:, None]


def _pool(x: torch.Tensor) -> torch.Tensor:
    """Return mean and standard deviation over space, (n, 2 c), of a map (n, c, h, w).

    By the norm of the map, one pass over it: the mean of squared differences takes three, and the finest
    maps are where a face's milliseconds go.
    """
    mean = x.mean(dim=(2, 3))
    mean_square = torch.linalg.vector_norm(x, dim=(2, 3)).square() / (x.shape[2] * x.shape[3])
    deviation = (torch.relu(mean_square - mean.square()) + 1e-5).sqrt()
    return torch.cat((mean, deviation), dim=1)
