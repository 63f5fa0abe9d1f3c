"""What each cause costs, and which costs most: squared error of the gains, cross-entropy of their shares.

The squared error alone is content with a little of everything; the second part asks that the cause which
costs most is named first.
"""

from __future__ import annotations

import torch

__all__ = ["CauseLoss"]


class CauseLoss(torch.nn.Module):
    """`gain_weight * mean(sum_k (p_k - g_k)^2) + name_weight * CE(p / sum(p), g / sum(g))` over a batch."""

    def __init__(self, gain_weight: float = 10.0, name_weight: float = 0.2, least: float = 0.05) -> None:
        """Make the loss.

        Args:
            gain_weight: of the squared error.
            name_weight: of the cross-entropy.
            least: largest gain of a crop below which nothing needs to be named.
        """
        super().__init__()
        self.gain_weight, self.name_weight, self.least = gain_weight, name_weight, least

    def forward(self, predicted: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, 0 if nothing was measured.

        Args:
            predicted: (n, causes), 0-1.
            gains: (n, causes), 0-1; rows of NaN were not measured.
        """
        known = ~gains.isnan().any(dim=1, keepdim=True)
        target = torch.where(known, gains, 0.0)
        errors = ((predicted - target).square() * known).sum() / known.sum().clamp(min=1)
        named = (known[:, 0] & (target.amax(dim=1) >= self.least)).float()
        floor = 1e-3  # a share of nothing stays finite
        shares = (target + 1e-6) / (target + 1e-6).sum(dim=1, keepdim=True)
        logs = (predicted + floor).log() - (predicted + floor).sum(dim=1, keepdim=True).log()
        entropy = -(shares * logs).sum(dim=1)
        naming = (entropy * named).sum() / named.sum().clamp(min=1)
        return self.gain_weight * errors + self.name_weight * naming
