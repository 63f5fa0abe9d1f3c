"""One minus Pearson's correlation of a batch: order and proportion, whatever the scale.

Equations 4 (ATHENAFace) and 13 (ISeeCV) of the challenge report, and a part of most other teams' losses.
"""

from __future__ import annotations

import torch

__all__ = ["PLCCLoss"]


class PLCCLoss(torch.nn.Module):
    """`1 - PLCC(p, y)`, in 0-2."""

    def __init__(self, eps: float = 1e-8) -> None:
        """Make the loss; `eps` keeps it finite on constant batches, where it is 1."""
        super().__init__()
        self.eps = eps

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        p = predictions - predictions.mean()
        y = labels - labels.mean()
        # Not the product of two norms: a norm's gradient at 0 is not defined.
        spread = (p.square().sum() * y.square().sum() + self.eps**2).sqrt()
        return 1 - (p * y).sum() / spread
