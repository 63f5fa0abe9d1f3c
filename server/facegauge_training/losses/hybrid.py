"""2077Agent's HybridLoss: the report tells its weight (0.75) and its aim, SROCC and PLCC, and no equation."""

from __future__ import annotations

import torch

from facegauge_training.losses.pairwise_rank import CorrelationLoss

__all__ = ["HybridLoss"]


class HybridLoss(torch.nn.Module):
    """`alpha * MSE + (1 - alpha) * (PLCC loss + pairwise rank loss) / 2`; the parts are our reading."""

    def __init__(self, alpha: float = 0.75) -> None:
        super().__init__()
        self.alpha = alpha
        self.correlation = CorrelationLoss(0.5)

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        mse = (predictions - labels).square().mean()
        return self.alpha * mse + (1 - self.alpha) * self.correlation(predictions, labels)
