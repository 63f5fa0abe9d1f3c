"""What a recipe minimises: its loss on the labels, and what degraded copies or a teacher add to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from facegauge_training.challenge.recipe import Recipe
from facegauge_training.losses.coreface import CoReFaceLoss
from facegauge_training.losses.distillation import (
    DistributionDistillationLoss,
    FeatureDistillationLoss,
    ScoreDistillationLoss,
)
from facegauge_training.losses.focal_label_smoothing import ConqueritLoss
from facegauge_training.losses.hybrid import HybridLoss
from facegauge_training.losses.l1_rank import L1RankLoss
from facegauge_training.losses.mse import MSELoss
from facegauge_training.losses.mse_plcc import MSECorrLoss, MSEPLCCLoss
from facegauge_training.losses.ssar import SSARLoss

__all__ = ["LOSSES", "Objective", "PictureBatch", "TeacherOutputs"]

LOSSES: dict[str, Callable[..., nn.Module]] = {
    "mse": MSELoss,
    "mse+plcc": MSEPLCCLoss,
    "mse+corr": MSECorrLoss,
    "l1-rank": L1RankLoss,
    "coreface": CoReFaceLoss,
    "conquerit": ConqueritLoss,
    "hybrid": HybridLoss,
}
"""Name that recipes use -> loss."""

DISTILLED_SHARE = 0.5
"""2077Agent's weight of the squared error to its teacher."""
TEMPERATURE = 4.0
"""2077Agent's."""


@dataclass(frozen=True, slots=True)
class TeacherOutputs:
    """A teacher's outputs for a batch."""

    scores: torch.Tensor
    """(n,)."""
    embeddings: torch.Tensor | None = None
    """(n, 512), from a teacher that grades."""
    grades: torch.Tensor | None = None
    """(n, 5) logits, from a teacher that grades."""


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """A batch as the network sees it."""

    rows: tuple[int, ...]
    pictures: torch.Tensor
    """(n, 3, height, width)."""
    scores: torch.Tensor
    """(n,)."""
    degraded: torch.Tensor | None = None
    """(n, 3, height, width), copies that are worse."""
    severity: torch.Tensor | None = None
    """(n,), 0-1."""


class Objective(nn.Module):
    """A recipe's whole loss."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.loss = LOSSES[recipe.loss](**recipe.loss_options)
        self.ssar = SSARLoss()
        self.to_teacher = ScoreDistillationLoss(TEMPERATURE)
        self.features = FeatureDistillationLoss()
        self.distribution = DistributionDistillationLoss(temperature=1.0)

    def forward(
        self, network: Any, batch: PictureBatch, outputs: TeacherOutputs | None = None
    ) -> torch.Tensor:
        """Return the loss, a scalar, of a network on a batch, with a teacher's outputs if there is one.

        Raises:
            ValueError: the recipe ranks degraded copies, and the batch has none.
        """
        if self.recipe.branches:
            first, second = network.branches(batch.pictures)
            return self.loss(first.float(), batch.scores) + self.loss(second.float(), batch.scores)
        if self.recipe.distillation == "grades" and outputs is not None and outputs.embeddings is not None:
            return self._graded(network, batch, outputs)
        if self.recipe.ssar:
            if batch.degraded is None or batch.severity is None:
                raise ValueError(f"{self.recipe.system} needs degraded copies")
            both = network(torch.cat([batch.pictures, batch.degraded])).float()
            intact, worse = both.split(len(batch.scores))
            return self.loss(intact, batch.scores) + self.ssar(intact, worse, batch.severity)
        scores = network(batch.pictures).float()
        loss = self.loss(scores, batch.scores)
        if outputs is not None:
            loss = loss + DISTILLED_SHARE * self.to_teacher(scores, outputs.scores)
        return loss

    def _graded(self, network: Any, batch: PictureBatch, outputs: TeacherOutputs) -> torch.Tensor:
        """Return Next's three levels: embedding, distribution over grades, score."""
        embedding = network.embed(batch.pictures).float()
        grades = network.grades(embedding)
        scores = (grades.softmax(dim=1) * network.values).sum(dim=1)
        assert outputs.embeddings is not None  # noqa: S101 - the caller has checked, mypy cannot know
        assert outputs.grades is not None  # noqa: S101 - comes with the embeddings
        return (
            self.loss(scores, batch.scores)
            + self.features(embedding, outputs.embeddings)
            + self.distribution(grades, outputs.grades)
        )
