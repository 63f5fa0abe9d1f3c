"""Ordering within a clip: of two versions of one face, the better one must have the higher score.

RankNet's pairwise logistic loss (Burges et al., "Learning to Rank using Gradient Descent", ICML 2005), on
logits rather than on scores: where the squared error of 0.004 against 0.011 is nothing, logits still tell the
worse of two ruins. The label says how good a crop is; this says which is better.
"""

from __future__ import annotations

import torch

__all__ = ["ClipOrderLoss"]


class ClipOrderLoss(torch.nn.Module):
    """Mean of `log(1 + exp(-(z_i - z_j) / scale))` over pairs of one clip in which i is the better."""

    def __init__(self, least: float = 0.005, scale: float = 0.25) -> None:
        """Make the loss.

        Args:
            least: difference of keys below which nobody is the better.
            scale: difference of logits that counts as distinguished.
        """
        super().__init__()
        self.least = least
        self.scale = scale

    def forward(self, scores: torch.Tensor, keys: torch.Tensor, clips: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar; 0 if no two crops of a clip differ.

        Args:
            scores: (n,), within 0-1.
            keys: (n,), what crops of one clip are ordered by, the best highest.
            clips: (n,), which clip each crop is from.
        """
        logits = torch.logit(scores, eps=1e-6)
        better = (clips[:, None] == clips[None, :]) & (keys[:, None] - keys[None, :] >= self.least)
        losses = torch.nn.functional.softplus(-(logits[:, None] - logits[None, :]) / self.scale)
        return (losses * better).sum() / better.sum().clamp(min=1)
