"""Estimate the statistics of batch normalisation on pictures as a system tests.

They follow the weights by a running mean, which lags: torchvision's MobileNetV3 has a momentum of 0.01, and
after a few hundred steps still divides by what it began with. And they are those of the training's cuts,
which are not those of the test (Touvron et al., "Fixing the train-test resolution discrepancy", NeurIPS
2019). So before a network is looked at, and at the end of each stage, they are the plain mean over some
pictures, at the test's size.
"""

from __future__ import annotations

import torch
from torch import nn

from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.predict import BATCH, rows_as_tested

__all__ = ["estimate_statistics"]


@torch.no_grad()
def estimate_statistics(network: nn.Module, how: Preprocessing, rows: Rows, device: torch.device) -> None:
    """Replace the statistics of the layers that are not frozen; leaves the network in evaluation mode."""
    network.eval()
    layers = [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm)  # noqa: SLF001 - torch names no other base
        and layer.track_running_stats
        and (layer.weight is None or layer.weight.requires_grad)
    ]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    before = [{name: kept.clone() for name, kept in layer.state_dict().items()} for layer in layers]
    estimated = False
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean
        layer.train()
    for at in range(0, len(rows), BATCH):
        for numbers, inputs in rows_as_tested(rows, range(at, min(at + BATCH, len(rows))), how, device):
            if len(numbers) > 1:
                network(inputs)
                estimated = True
    for layer, momentum, old in zip(layers, momenta, before, strict=True):
        layer.momentum = momentum
        if not estimated:  # no two pictures are of one size
            layer.load_state_dict(old)
    network.eval()
