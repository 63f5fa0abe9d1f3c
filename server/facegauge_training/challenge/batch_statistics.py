"""Estimate the statistics of batch normalisation on pictures as a system tests.

Those that a training leaves are of its own cuts, which are not those of the test (Touvron et al., "Fixing the
train-test resolution discrepancy", NeurIPS 2019). So before a network is looked at, and at the end of each
stage, they are estimated anew at the test's size.
"""

from __future__ import annotations

import torch
from torch import nn

from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.predict import BATCH, rows_as_tested
from facegauge_training.common import batch_statistics

__all__ = ["estimate_statistics"]


def estimate_statistics(network: nn.Module, how: Preprocessing, rows: Rows, device: torch.device) -> None:
    """Replace the statistics of the layers that are not frozen; leaves the network in evaluation mode.

    Nothing changes where no two pictures are of one size.
    """
    batches = (
        inputs
        for at in range(0, len(rows), BATCH)
        for numbers, inputs in rows_as_tested(rows, range(at, min(at + BATCH, len(rows))), how, device)
        if len(numbers) > 1
    )
    batch_statistics.estimate_statistics(network, batches)
