"""Self-supervised adaptive ranking of a picture and its degraded copy (ISeeCV, appendix B of the report)."""

from __future__ import annotations

import torch

__all__ = ["SSARLoss"]


class SSARLoss(torch.nn.Module):
    """`mean max(0, margin_scale * s - (q(I) - q(I')))`: the harsher the harm, the wider the gap asked for."""

    def __init__(self, margin_scale: float = 0.1) -> None:
        """Make the loss; the report does not give `margin_scale` (its lambda), 0.1 is ours."""
        super().__init__()
        self.margin_scale = margin_scale

    def forward(self, intact: torch.Tensor, degraded: torch.Tensor, severity: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            intact: (n,), predictions of the pictures.
            degraded: (n,), predictions of their degraded copies.
            severity: (n,), 0-1, how strongly each was degraded.
        """
        return torch.relu(self.margin_scale * severity - (intact - degraded)).mean()
