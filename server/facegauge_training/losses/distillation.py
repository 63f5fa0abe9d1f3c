"""What a student takes over from its teacher: the scores, the features, the distribution over grades.

The report names the three levels (Next, section 3.3) and a squared error at temperature 4 (2077Agent, section
3.12), and gives no equations; these are the usual ones (Hinton et al., "Distilling the knowledge in a neural
network", 2015; Romero et al., "FitNets", ICLR 2015).
"""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = ["DistributionDistillationLoss", "FeatureDistillationLoss", "ScoreDistillationLoss"]


class ScoreDistillationLoss(torch.nn.Module):
    """`T^2 * mean((sigmoid(logit(s) / T) - sigmoid(logit(t) / T))^2)`: softened scores."""

    def __init__(self, temperature: float = 4.0, *, soften: bool = True) -> None:
        """Make the loss.

        Args:
            temperature: by which logits are divided.
            soften: whether to do so at all; else it is the plain squared error.
        """
        super().__init__()
        self.temperature = temperature
        self.soften = soften

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of the student's and the teacher's scores (n,), within 0-1."""
        if not self.soften:
            return functional.mse_loss(student, teacher.detach())
        ours, theirs = self._softened(student), self._softened(teacher.detach())
        return self.temperature**2 * functional.mse_loss(ours, theirs)

    def _softened(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.logit(scores, eps=1e-4) / self.temperature)


class FeatureDistillationLoss(torch.nn.Module):
    """`mean(1 - cos(W s, t))`: features, the student's through a learnt matrix, of one direction."""

    def __init__(self, student_features: int = 0, teacher_features: int = 0) -> None:
        """Make the loss; without sizes both are in one space, as Next's embeddings are, and W is none."""
        super().__init__()
        self.project: torch.nn.Module = torch.nn.Identity()
        if student_features or teacher_features:
            self.project = torch.nn.Linear(student_features, teacher_features, bias=False)

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of features (n, student_features) and (n, teacher_features)."""
        similarity = functional.cosine_similarity(self.project(student), teacher.detach(), dim=1, eps=1e-6)
        return (1 - similarity).mean()


class DistributionDistillationLoss(torch.nn.Module):
    """`T^2 * KL(softmax(t / T) || softmax(s / T))` over quality grades, the mean over the batch."""

    def __init__(self, temperature: float = 4.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of logits (n, grades) of both."""
        ours = functional.log_softmax(student / self.temperature, dim=1)
        theirs = functional.log_softmax(teacher.detach() / self.temperature, dim=1)
        divergence = functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence
