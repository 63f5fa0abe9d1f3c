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

__all__ = ["LOSSES", "Objective", "Shown", "Told"]

LOSSES: dict[str, Callable[..., nn.Module]] = {
    "mse": MSELoss,
    "mse+plcc": MSEPLCCLoss,
    "mse+corr": MSECorrLoss,
    "l1-rank": L1RankLoss,
    "coreface": CoReFaceLoss,
    "conquerit": ConqueritLoss,
    "hybrid": HybridLoss,
}
"""By the name that recipes use."""

DISTILLED_SHARE = 0.5
"""2077Agent's weight of the squared error to its teacher."""
TEMPERATURE = 4.0
"""2077Agent's."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a teacher says of a batch."""

    scores: torch.Tensor
    """(n,)."""
    embeddings: torch.Tensor | None = None
    """(n, 512), of a teacher that grades."""
    grades: torch.Tensor | None = None
    """(n, 5) logits, of a teacher that grades."""


@dataclass(frozen=True, slots=True)
class Shown:
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

    def to(self, device: torch.device) -> Shown:
        """Return the same on a device."""
        moved = [None if t is None else t.to(device) for t in (self.degraded, self.severity)]
        return Shown(self.rows, self.pictures.to(device), self.scores.to(device), *moved)


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

    def forward(self, network: Any, shown: Shown, told: Told | None = None) -> torch.Tensor:
        """Return the loss, a scalar, of a network on a batch, with what a teacher says of it if there is one.

        Raises:
            ValueError: the recipe ranks degraded copies, and the batch has none.
        """
        if self.recipe.branches:
            first, second = network.branches(shown.pictures)
            return self.loss(first.float(), shown.scores) + self.loss(second.float(), shown.scores)
        if self.recipe.distillation == "grades" and told is not None and told.embeddings is not None:
            return self._graded(network, shown, told)
        if self.recipe.ssar:
            if shown.degraded is None or shown.severity is None:
                raise ValueError(f"{self.recipe.system} needs degraded copies")
            both = network(torch.cat([shown.pictures, shown.degraded])).float()
            intact, worse = both.split(len(shown.scores))
            return self.loss(intact, shown.scores) + self.ssar(intact, worse, shown.severity)
        scores = network(shown.pictures).float()
        loss = self.loss(scores, shown.scores)
        if told is not None:
            loss = loss + DISTILLED_SHARE * self.to_teacher(scores, told.scores)
        return loss

    def _graded(self, network: Any, shown: Shown, told: Told) -> torch.Tensor:
        """Return Next's three levels: embedding, distribution over grades, score."""
        embedding = network.embed(shown.pictures).float()
        grades = network.grades(embedding)
        scores = (grades.softmax(dim=1) * network.values).sum(dim=1)
        assert told.embeddings is not None  # noqa: S101 - the caller has looked, mypy cannot know
        assert told.grades is not None  # noqa: S101 - comes with the embeddings
        return (
            self.loss(scores, shown.scores)
            + self.features(embedding, told.embeddings)
            + self.distribution(grades, told.grades)
        )
