"""Pairwise logistic rank loss, a smooth stand-in for SROCC, and Conquerit's mixture of it with PLCC."""

from __future__ import annotations

import torch

from facegauge_training.losses.plcc import PLCCLoss

__all__ = ["CorrelationLoss", "PairwiseLogisticRankLoss"]


class PairwiseLogisticRankLoss(torch.nn.Module):
    """Equation 6 (Conquerit): mean over pairs of `log(1 + exp(-(p_i - p_j) sign(y_i - y_j)))`.

    Ties of labels, a crop with itself among them, have no order and are left out; without any pair it is 0.
    """

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        order = torch.sign(labels[:, None] - labels[None, :])
        losses = torch.nn.functional.softplus(-(predictions[:, None] - predictions[None, :]) * order)
        distinct = order != 0
        return (losses * distinct).sum() / distinct.sum().clamp(min=1)


class CorrelationLoss(torch.nn.Module):
    """Equation 5 (Conquerit): `alpha * PLCC loss + (1 - alpha) * pairwise rank loss`."""

    def __init__(self, alpha: float = 0.5) -> None:
        """Make the loss; the report does not give `alpha`, one half is ours."""
        super().__init__()
        self.alpha = alpha
        self.plcc = PLCCLoss()
        self.rank = PairwiseLogisticRankLoss()

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        plcc, rank = self.plcc(predictions, labels), self.rank(predictions, labels)
        return self.alpha * plcc + (1 - self.alpha) * rank
