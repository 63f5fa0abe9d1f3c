"""Mean squared error plus one minus Pearson's correlation of the batch: the right number and the right order.

The pair that the winner of the VQualA 2025 face image quality challenge trained with; the weight is ours,
since our bounded outputs make the squared error small beside the correlation term.
"""

from __future__ import annotations

import torch

__all__ = ["MSEPLCCLoss"]


class MSEPLCCLoss(torch.nn.Module):
    """`mse_weight * mean((p - y)^2) + 1 - PLCC(p, y)` over a batch."""

    def __init__(self, mse_weight: float = 10.0) -> None:
        super().__init__()
        self.mse_weight = mse_weight

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,), both within 0-1."""
        mse = (predictions - labels).square().mean()
        p = predictions - predictions.mean()
        y = labels - labels.mean()
        plcc = (p * y).sum() / (p.norm() * y.norm() + 1e-8)
        return self.mse_weight * mse + 1 - plcc
