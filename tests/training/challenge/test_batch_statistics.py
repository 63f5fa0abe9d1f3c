from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.batch_statistics import estimate_statistics
from facegauge_training.challenge.pictures import Pictures, read_pictures
from facegauge_training.challenge.predict import predict_pictures

CPU = torch.device("cpu")
PLAIN = Preprocessing(size=(32, 32), normalisation=((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))


@pytest.fixture
def pictures(scored: Path) -> Pictures:
    return read_pictures(scored / "images", scored / "labels.csv", decode=False)


def test_statistics_are_those_of_the_pictures(pictures: Pictures) -> None:
    """Whatever the momentum, and whatever they were: as the test's inputs have them."""
    network = nn.Sequential(nn.BatchNorm2d(3, momentum=0.01), nn.AdaptiveAvgPool2d(1), nn.Flatten(0))
    layer = network[0]
    assert isinstance(layer, nn.BatchNorm2d)
    estimate_statistics(network, PLAIN, pictures, CPU)
    mean = np.mean([pictures[i].mean(axis=(0, 1)) for i in range(len(pictures))], axis=0) / 255
    assert layer.running_mean is not None
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, atol=0.01)
    assert layer.momentum == 0.01
    assert not network.training


def test_frozen_layers_keep_theirs(pictures: Pictures) -> None:
    """A backbone that stands still does so whole."""
    network = nn.Sequential(nn.BatchNorm2d(3).requires_grad_(False), nn.AdaptiveAvgPool2d(1), nn.Flatten(0))
    estimate_statistics(network, PLAIN, pictures, CPU)
    assert isinstance(network[0], nn.BatchNorm2d)
    assert network[0].running_mean is not None
    assert network[0].running_mean.tolist() == [0, 0, 0]


def test_stale_statistics_are_what_flattened_scores(pictures: Pictures) -> None:
    """With those that a layer began with, all pictures score alike; estimated, they differ by their own."""

    class Normalised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3, momentum=0.01)
            self.norm.running_var = torch.full((3,), 1e6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            contrast: torch.Tensor = self.norm(x).std(dim=(1, 2, 3))
            return contrast

    network = Normalised()
    before = predict_pictures(network, PLAIN, pictures, CPU)
    estimate_statistics(network, PLAIN, pictures, CPU)
    after = predict_pictures(network, PLAIN, pictures, CPU)
    assert np.ptp(before) < 0.01 < np.ptp(after)
