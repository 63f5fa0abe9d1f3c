"""ISeeCV's CoReFace: Wing loss for each score, PLCC for all of them. Equations 12 to 14 of the report."""

from __future__ import annotations

import math

import torch

from facegauge_training.losses.plcc import PLCCLoss

__all__ = ["CoReFaceLoss", "WingLoss"]


class WingLoss(torch.nn.Module):
    """Equation 12: `w ln(1 + |e| / eps)` for |e| < w, `|e| - C` beyond; the mean over the batch.

    `C = w - w ln(1 + w / eps)` joins the two (Feng et al., "Wing loss for robust facial landmark localisation
    with convolutional neural networks", CVPR 2018).
    """

    def __init__(self, width: float = 0.03, eps: float = 2.0) -> None:
        """Make the loss.

        Args:
            width: w, below which errors count logarithmically; the report's value.
            eps: the report's value. With `eps` far above `width` small errors are nearly free; the paper that
                it cites has them the other way round, which makes small errors count more.
        """
        super().__init__()
        self.width = width
        self.eps = eps
        self.offset = width - width * math.log1p(width / eps)

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        error = (predictions - labels).abs()
        near = self.width * torch.log1p(error / self.eps)
        return torch.where(error < self.width, near, error - self.offset).mean()


class CoReFaceLoss(torch.nn.Module):
    """Equation 14: `alpha * Wing + beta * (1 - PLCC)`."""

    def __init__(self, alpha: float = 1.0, beta: float = 1.0, width: float = 0.03, eps: float = 2.0) -> None:
        """Make the loss; the report does not give `alpha` and `beta`, ones are ours."""
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.wing = WingLoss(width, eps)
        self.plcc = PLCCLoss()

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        return self.alpha * self.wing(predictions, labels) + self.beta * self.plcc(predictions, labels)
