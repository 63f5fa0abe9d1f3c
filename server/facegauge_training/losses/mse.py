"""Mean squared error: equations 3 (ATHENAFace) and 8 (Conquerit) of the report.

It is the whole loss of JNU620, DERS and the organisers' baseline, and ours for the teams that name none.
"""

from __future__ import annotations

import torch

__all__ = ["MSELoss"]


class MSELoss(torch.nn.Module):
    """`mean((p - y)^2)`."""

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        return (predictions - labels).square().mean()
