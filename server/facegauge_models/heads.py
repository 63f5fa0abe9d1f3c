"""The regression heads that the teams put on their backbones: fully connected, narrowing to a score."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence

from torch import nn

__all__ = ["regression_head"]


def regression_head(
    widths: Sequence[int],
    *,
    normalised: Collection[int] = (),
    activation: Callable[[], nn.Module] | None = None,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Build linear layers through `widths`, (n, widths[0]) -> (n, widths[-1]).

    Args:
        widths: of the input, each hidden layer and the output.
        normalised: which hidden layers, counted from 0, have batch normalisation.
        activation: what follows each hidden layer; None leaves the head linear.
        dropout: probability after each hidden layer.
    """
    layers: list[nn.Module] = []
    last = len(widths) - 2
    for i, (before, after) in enumerate(itertools.pairwise(widths)):
        layers.append(nn.Linear(before, after))
        if i == last:
            break
        if i in normalised:
            layers.append(nn.BatchNorm1d(after))
        if activation is not None:
            layers.append(activation())
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
