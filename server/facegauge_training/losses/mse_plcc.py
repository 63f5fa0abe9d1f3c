"""Squared error plus one minus Pearson's correlation of the batch: the right number and the right order.

The winner of the VQualA 2025 face image quality challenge, ATHENAFace and RegNet trained with this pair. The
student's weight of 10 is ours, since bounded outputs make the squared error small beside the correlation.
"""

from __future__ import annotations

import torch

from facegauge_training.losses.plcc import PLCCLoss

__all__ = ["MSECorrLoss", "MSEPLCCLoss"]


class MSEPLCCLoss(torch.nn.Module):
    """`mse_weight * mean((p - y)^2) + 1 - PLCC(p, y)` over a batch."""

    def __init__(self, mse_weight: float = 10.0) -> None:
        super().__init__()
        self.mse_weight = mse_weight
        self.plcc = PLCCLoss()

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,), both within 0-1."""
        mse = (predictions - labels).square().mean()
        return self.mse_weight * mse + self.plcc(predictions, labels)


class MSECorrLoss(torch.nn.Module):
    """Equations 2 to 4 of the report (ATHENAFace): `mean((p - y)^2) + alpha * (1 - PLCC(p, y))`."""

    def __init__(self, alpha: float = 1.0) -> None:
        """Make the loss; the report does not give `alpha`, 1 is ours."""
        super().__init__()
        self.alpha = alpha
        self.plcc = PLCCLoss()

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        mse = (predictions - labels).square().mean()
        return mse + self.alpha * self.plcc(predictions, labels)
