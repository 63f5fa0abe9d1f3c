from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import facegauge_models
from facegauge_training.challenge.batch_statistics import estimate_statistics
from facegauge_training.challenge.head_start import FIRST_LAYERS, start_head
from facegauge_training.challenge.pictures import Pictures, read_pictures
from facegauge_training.challenge.predict import predict_pictures
from facegauge_training.challenge.predict import rows_as_tested as inputs_of

CPU = torch.device("cpu")


@pytest.fixture
def pictures(scored: Path) -> Pictures:
    return read_pictures(scored / "images", scored / "labels.csv", decode=False)


def test_every_system_has_a_head_to_start() -> None:
    """The layers named are linear ones, and each system of the challenge has one."""
    assert set(FIRST_LAYERS) == set(facegauge_models.names(teachers=False))
    for name, layers in FIRST_LAYERS.items():
        network = facegauge_models.create(name)
        assert all(isinstance(network.get_submodule(layer), torch.nn.Linear) for layer in layers)


@pytest.mark.parametrize("name", ["ecnu-sjtu", "2077agent", "mediaforensics"])
def test_a_head_begins_where_its_inputs_are(name: str, pictures: Pictures) -> None:
    """Its first layer gives what it would of features of mean 0 and deviation 1; scores begin near labels."""
    torch.manual_seed(0)
    network, how = facegauge_models.create(name), facegauge_models.info(name).test
    estimate_statistics(network, how, pictures, CPU)
    layer: Any = network.get_submodule(FIRST_LAYERS[name][0])
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    if layer.out_features == 1:
        bias = torch.full_like(bias, float(pictures.scores.mean()))
    start_head(network, name, how, pictures, CPU)
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _layer, given, given_out: seen.extend((given[0], given_out)))
    with torch.no_grad():
        for _, inputs in inputs_of(pictures, range(len(pictures)), how, CPU):
            network(inputs)
    hook.remove()
    features, output = seen
    unit = (features - features.mean(0)) / features.std(0)
    torch.testing.assert_close(output, unit @ weight.T + bias, atol=2e-3, rtol=1e-3)
    scores = predict_pictures(network, how, pictures, CPU)
    assert abs(scores.mean() - pictures.scores.mean()) < 0.5
    assert scores.std() > 1e-3
