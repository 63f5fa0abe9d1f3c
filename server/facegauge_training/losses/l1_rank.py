"""Absolute error plus a hinge on wrongly ordered pairs.

MediaForensics' loss in the challenge report, which cites Wen and Wang ("A strong baseline for image and video
quality assessment", 2021) and gives no equation. The pairs' margin is 0: a pair in order costs nothing.
"""

from __future__ import annotations

import torch

__all__ = ["L1RankLoss"]


class L1RankLoss(torch.nn.Module):
    """`mean |p - y| + rank_weight * mean over pairs of max(0, -sign(y_i - y_j) (p_i - p_j))`."""

    def __init__(self, rank_weight: float = 1.0) -> None:
        super().__init__()
        self.rank_weight = rank_weight

    def forward(self, predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar, of predictions (n,) and labels (n,)."""
        l1 = (predictions - labels).abs().mean()
        order = torch.sign(labels[:, None] - labels[None, :])
        wrong = torch.relu(-order * (predictions[:, None] - predictions[None, :]))
        pairs = max(1, len(labels) * (len(labels) - 1))
        return l1 + self.rank_weight * wrong.sum() / pairs
