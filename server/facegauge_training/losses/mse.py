"""Mean squared error: equations 3 (ATHENAFace) and 8 (Conquerit), and the whole loss of four other teams.

JNU620, DERS and the organisers' baseline say so; BIT_ssvgg says nothing, and squared error is our reading.
"""

from __future__ import annotations

import torch

__all__ = ["MSELoss"]


class MSELoss(torch.nn.Module):
    """`mean((p - y)^2)`."""

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        return (predictions - labels).square().mean()
