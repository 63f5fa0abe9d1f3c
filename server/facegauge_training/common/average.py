"""The exponential average of a network's weights, which is what a training leaves."""

from __future__ import annotations

import torch

__all__ = ["follow"]


@torch.no_grad()
def follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    """Move the average's weights and statistics a step of 1 - `keep` towards the network's."""
    pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
    floating = [pair for pair in pairs if pair[0].is_floating_point()]
    torch._foreach_lerp_([kept for kept, _ in floating], [new for _, new in floating], 1 - keep)
    for kept, new in pairs:
        if not kept.is_floating_point():
            kept.copy_(new)
