"""Backbones by name: the students', and every trunk of the zoo's systems, with the stages to be matched."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import facegauge_models
from facegauge_training.common.errors import RecipeError
from facegauge_training.pretraining.backbones import STUDENT_PIXELS, Stages, build_backbone, trunks

SYSTEMS = facegauge_models.names(teachers=False)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_of_the_zoo_has_trunks_with_stages(system: str) -> None:
    """Each trunk gives maps of three strides or more, ordered from fine to coarse, and they train it."""
    network = facegauge_models.create(system)
    parameters = {id(parameter) for parameter in network.parameters()}
    found = trunks(network)
    assert found
    for trunk in found.values():
        assert {id(parameter) for parameter in trunk.parameters()} <= parameters
        stages = Stages(trunk)
        assert len(stages.strides) >= 3
        assert stages.strides == sorted(set(stages.strides))
        maps = stages(torch.rand(2, 3, 128, 96))
        assert [found.shape[1] for found in maps] == stages.widths
        assert len(stages.used_state()) > 50


@pytest.mark.parametrize(
    ("name", "strides", "widths"),
    [
        ("mobilenetv3_small_100", [2, 4, 8, 16, 32], [16, 16, 24, 48, 576]),
        ("edgenext_xx_small", [4, 8, 16, 32], [24, 48, 88, 168]),
        ("mobilenetv4_conv_small", [2, 4, 8, 16, 32], [32, 32, 64, 96, 960]),
    ],
)
def test_students_backbones_have_the_stages_that_students_pool(
    name: str, strides: list[int], widths: list[int]
) -> None:
    """The strides and channels are those that the papers give; all weights take part."""
    backbone = build_backbone(name, 1)
    stages = Stages(backbone.module)
    assert (stages.strides, stages.widths) == (strides, widths)
    assert stages.used_state().keys() == backbone.module.state_dict().keys()
    assert backbone.normalisation == STUDENT_PIXELS


def test_a_classifier_is_no_part_of_the_backbone() -> None:
    """What follows the last map is left out of the state that is kept, and so are its statistics."""
    backbone = build_backbone("mediaforensics", 1)
    kept = Stages(backbone.module).used_state()
    assert {name.split(".")[0] for name in backbone.module.state_dict().keys() - kept.keys()} == {
        "classifier",
        "conv_head",
    }


def test_reading_stages_leaves_no_hook_and_no_gradient() -> None:
    """A network is as it was after its stages were read."""
    module = build_backbone("jnu620", 1).module
    Stages(module).used_state()
    assert all(not part._forward_hooks for part in module.modules())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert module.training


@pytest.mark.parametrize("name", ["nobody", "athenaface", "jnu620.backbone", "vit_tiny_patch16_224"])
def test_an_unknown_backbone_is_refused_with_the_way_out(name: str) -> None:
    """Unknown, ambiguous or without maps of several strides: the message says what to give."""
    with pytest.raises(RecipeError, match="--backbone"):
        Stages(build_backbone(name, 1).module)


def test_a_network_of_one_stride_is_refused() -> None:
    """There must be something to match at several scales."""
    with pytest.raises(RecipeError, match="one stride"):
        Stages(nn.Sequential(nn.Conv2d(3, 4, 2, 2), nn.ReLU()))
