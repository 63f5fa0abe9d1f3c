"""Squared error against noisy labels, weighted towards the hard ones: equations 7 to 11 (Conquerit)."""

from __future__ import annotations

import torch

from facegauge_training.losses.pairwise_rank import CorrelationLoss

__all__ = ["ConqueritLoss", "FocalLabelSmoothingLoss"]


class FocalLabelSmoothingLoss(torch.nn.Module):
    """`scale * mean((1 - exp(-e))^gamma * e)` with `e = (p - y - smoothing * N(0, 1))^2`."""

    def __init__(
        self,
        smoothing: float = 0.02,
        gamma: float = 1.0,
        scale: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        """Make the loss.

        Args:
            smoothing: standard deviation of the labels' noise (epsilon of equation 7; the value is ours).
            gamma: of equation 9; 0 gives the plain squared error.
            scale: s of equation 10.
            generator: draws the noise; torch's own if None.
        """
        super().__init__()
        self.smoothing = smoothing
        self.gamma = gamma
        self.scale = scale
        self.generator = generator

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        noise = torch.randn(labels.shape, generator=self.generator, dtype=labels.dtype).to(labels.device)
        error = (predictions - labels - self.smoothing * noise).square()
        weight = -torch.expm1(-error)
        if self.gamma != 1.0:  # a power below 1 has no gradient at 0
            weight = (weight + 1e-12) ** self.gamma
        return self.scale * (weight * error).mean()


class ConqueritLoss(torch.nn.Module):
    """Equation 11: `lambda * correlation loss + (1 - lambda) * focal label smoothing loss`."""

    def __init__(
        self, balance: float = 0.5, alpha: float = 0.5, focal: FocalLabelSmoothingLoss | None = None
    ) -> None:
        """Make the loss; the report does not give `balance` (its lambda), one half is ours."""
        super().__init__()
        self.balance = balance
        self.correlation = CorrelationLoss(alpha)
        self.focal = focal or FocalLabelSmoothingLoss()

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        correlation, focal = self.correlation(predictions, labels), self.focal(predictions, labels)
        return self.balance * correlation + (1 - self.balance) * focal
