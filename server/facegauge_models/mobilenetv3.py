"""MobileNetV3 (Howard et al., "Searching for MobileNetV3", ICCV 2019) as three teams used it.

MediaForensics (report 3.2; Xiao et al., "MSPT", arXiv 2508.07590): timm's `tf_mobilenetv3_small_100` with
one output, at 640x640. Totals as in Table 1; nothing to settle. Ours: the last layer begins as PyTorch begins
one. timm draws its weights from +-1 where there is one output: 1,024 features of unit deviation then give
answers that spread by 18 where labels are 0 to 1.

Next (3.3): MobileNetV3-Small, distilled from CLIP ViT-B/32, at 620x620. The report names three levels
(features, distribution over quality grades, score) and no head. Table 1's totals leave exactly a linear
layer 576 -> 512, the width of CLIP's joint space, and nothing after it. Settled: the student's 512 numbers
are compared, by cosine, with one anchor a grade (in the teacher, the embedding of the grade's learned
prompt), the softmax over grades is the distribution that is distilled, and its mean is the score. The
anchors come from the teacher and are not trained in the student, hence no parameters; before `use_anchors`
they are fixed orthogonal directions. Five grades (bad, poor, fair, good, perfect) as in ITU-T P.910's
five-step scale.

Conquerit (3.10): MobileNetV3-Large at 224x224, inputs in -1..1. Table 1's totals come out with timm's
network whose features are taken before `conv_head`, pooled, and sent through 960 -> 480 -> 240 (batch
normalisation) -> 1, while the dead `conv_head` is still counted among the parameters. We keep it, for the
count's sake: it is the one set of parameters in the zoo that no gradient reaches. Activations between the
layers: not stated; ReLU.

Cost: 0.4687 GFLOPs, 1.5189 M; 0.4533 GFLOPs, 1.2224 M; 0.2235 GFLOPs, 4.7795 M parameters (`python -m
facegauge_models --no-timing`).
"""

from __future__ import annotations

from typing import Any

import timm
import torch
import torchvision
from torch import nn

from facegauge_models.heads import regression_head

__all__ = [
    "GradedMobileNetV3",
    "MobileNetV3LargeRegressor",
    "MobileNetV3Regressor",
    "conquerit",
    "mediaforensics",
    "next_team",
]


class MobileNetV3Regressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 32 px -> quality (n,), unbounded."""

    backbone: Any

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = timm.create_model("tf_mobilenetv3_small_100", pretrained=pretrained, num_classes=1)
        self.backbone.classifier.reset_parameters()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        return self.backbone(pictures)[:, 0]


class GradedMobileNetV3(nn.Module):
    """Score pictures (n, 3, h, w) by their likeness to anchors of five grades -> quality (n,), 0-1."""

    EMBEDDING = 512
    GRADES = 5
    anchors: torch.Tensor
    values: torch.Tensor

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        weights = torchvision.models.MobileNet_V3_Small_Weights.DEFAULT if pretrained else None
        self.features = torchvision.models.mobilenet_v3_small(weights=weights).features
        self.projection = nn.Linear(576, self.EMBEDDING)
        # Orthogonal and of unit length: rows of a Fourier basis.
        phase = torch.arange(self.EMBEDDING)[None] + 0.5
        grade = torch.arange(1, self.GRADES + 1)[:, None]
        basis = torch.cos(torch.pi * grade * phase / self.EMBEDDING) * (2 / self.EMBEDDING) ** 0.5
        self.register_buffer("anchors", basis)
        self.register_buffer("values", torch.linspace(0, 1, self.GRADES))
        self.temperature = 0.1
        """Cosines are divided by it before the softmax."""

    def use_anchors(self, anchors: torch.Tensor) -> None:
        """Take over a teacher's anchors, (5, 512), worst grade first.

        Raises:
            ValueError: another shape, or not finite.
        """
        if anchors.shape != self.anchors.shape or not torch.isfinite(anchors).all():
            raise ValueError(f"anchors must be finite, of shape {tuple(self.anchors.shape)}")
        self.anchors.copy_(nn.functional.normalize(anchors.detach(), dim=1))

    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return what the teacher's image embedding (n, 512) is compared with."""
        x = nn.functional.adaptive_avg_pool2d(self.features(pictures), 1).flatten(1)  # (n, 576)
        return self.projection(x)

    def grades(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, 5) of the grades, worst first, for embeddings (n, 512)."""
        unit = nn.functional.normalize(embedding, dim=1)
        return unit @ self.anchors.T / self.temperature

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        distribution = self.grades(self.embed(pictures)).softmax(dim=1)  # (n, 5)
        return (distribution * self.values).sum(dim=1)


class MobileNetV3LargeRegressor(nn.Module):
    """Score pictures (n, 3, h, w), h and w at least 32 px -> quality (n,), unbounded."""

    backbone: Any

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = timm.create_model("mobilenetv3_large_100", pretrained=pretrained, num_classes=0)
        self.head = regression_head((960, 480, 240, 1), normalised=(1,), activation=nn.ReLU)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,) of pictures (n, 3, h, w)."""
        x = self.backbone.forward_features(pictures).mean(dim=(2, 3))  # (n, 960)
        return self.head(x)[:, 0]


def mediaforensics(pretrained: bool = False) -> MobileNetV3Regressor:
    """Build the network of MediaForensics."""
    return MobileNetV3Regressor(pretrained)


def next_team(pretrained: bool = False) -> GradedMobileNetV3:
    """Build the student of Next."""
    return GradedMobileNetV3(pretrained)


def conquerit(pretrained: bool = False) -> MobileNetV3LargeRegressor:
    """Build the network of Conquerit."""
    return MobileNetV3LargeRegressor(pretrained)
