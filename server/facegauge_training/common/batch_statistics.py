"""Estimate the statistics of batch normalisation anew, as a plain mean over some batches.

They follow the weights by a running mean, which lags: torchvision's MobileNetV3 has a momentum of 0.01, and
after a few hundred steps still divides by what it began with. An average of weights has none of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

__all__ = ["copy_statistics", "estimate_statistics", "fix_statistics"]


@torch.no_grad()
def estimate_statistics(
    network: nn.Module, batches: Iterable[torch.Tensor], run: Callable[[torch.Tensor], object] | None = None
) -> None:
    """Replace the statistics of the layers that are not frozen; leaves the network in evaluation mode.

    Args:
        network: to be changed in place.
        batches: what it is run on, inputs of two and more; with none of them nothing changes.
        run: runs it, where calling it is not how.
    """
    network.eval()
    layers = [layer for layer in _layers(network) if layer.weight is None or layer.weight.requires_grad]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    before = [{name: kept.clone() for name, kept in layer.state_dict().items()} for layer in layers]
    estimated = False
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean
        layer.train()
    for inputs in batches:
        (run or network)(inputs)
        estimated = True
    for layer, momentum, old in zip(layers, momenta, before, strict=True):
        layer.momentum = momentum
        if not estimated:
            layer.load_state_dict(old)
    network.eval()


def fix_statistics(network: nn.Module) -> None:
    """Let batch normalisation of a network in training mode use the statistics that it has, and keep them."""
    for layer in _layers(network):
        layer.eval()


@torch.no_grad()
def copy_statistics(source: nn.Module, target: nn.Module) -> None:
    """Give a network the statistics of another of the same layers."""
    for given, taken in zip(_layers(source), _layers(target), strict=True):
        for old, new in zip(taken.buffers(), given.buffers(), strict=True):
            old.copy_(new)


def _layers(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    return [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.track_running_stats  # noqa: SLF001
    ]
