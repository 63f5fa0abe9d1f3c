"""What a system may begin with: nothing, its own weights, or a backbone alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import facegauge_models
from facegauge_models.teachers import GradedCLIP
from facegauge_training.challenge.weights import (
    build_network,
    halved,
    load_network,
    save_network,
    take_backbones,
)
from facegauge_training.common.errors import RecipeError
from facegauge_training.pretraining.backbones import Stages, build_backbone, trunks
from facegauge_training.pretraining.weights import save_pretrained


def pretrained(folder: Path, name: str) -> Path:
    """A file as `pretrain` leaves it, of random weights."""
    backbone = build_backbone(name, seed=7)
    (folder / name).mkdir(parents=True)
    path = folder / name / "backbone.pt"
    metadata = {"backbone": name, "normalisation": backbone.normalisation, "teacher": "lite0"}
    save_pretrained(path, Stages(backbone.module).used_state(), metadata)
    return path


def test_a_backbone_alone_is_enough_to_start_from(tmp_path: Path) -> None:
    """Its weights go in, the head stays fresh, and the row says so; another backbone's are refused."""
    path = pretrained(tmp_path, "conquerit")
    start = build_network("conquerit", 1, start_from=path)
    assert start.fresh_head
    assert start.initialisation == "features of lite0 in conquerit"
    random = build_network("conquerit", 1).network
    assert not torch.equal(start.network.backbone.conv_stem.weight, random.backbone.conv_stem.weight)
    assert torch.equal(start.network.head[0].weight, random.head[0].weight)
    with pytest.raises(RecipeError, match="does not fit"):
        build_network("regnet", 1, start_from=path)


def test_own_weights_bring_their_head(tmp_path: Path) -> None:
    save_network("conquerit", build_network("conquerit", 3).network, {}, tmp_path / "model.pt")
    assert not build_network("conquerit", 1, start_from=tmp_path / "model.pt").fresh_head
    with pytest.raises(RecipeError, match="is a conquerit, not a regnet"):
        build_network("regnet", 1, start_from=tmp_path / "model.pt")


def test_trunks_take_what_fits_them(tmp_path: Path) -> None:
    """ATHENAFace's MobileNetV3 takes the one that was pretrained for Next, its ShuffleNet its own."""
    pretrained(tmp_path, "next")
    pretrained(tmp_path, "athenaface.shufflenet")
    network = facegauge_models.create("athenaface")
    assert take_backbones(network, "athenaface", tmp_path) == ["next", "athenaface.shufflenet"]
    theirs = build_backbone("athenaface.shufflenet", seed=7).module.state_dict()
    ours = trunks(network)["shufflenet"].state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if name.endswith("weight"))
    assert take_backbones(facegauge_models.create("regnet"), "regnet", tmp_path) == []


def test_a_tower_never_stands_still_at_random(tmp_path: Path) -> None:
    """CLIP's is refused without weights, and frozen but for its adapters with any that were given."""
    with pytest.raises(RecipeError, match="must not stand still at random"):
        build_network("clip-vit-b32", 1)
    save_network("clip-vit-b32", facegauge_models.create("clip-vit-b32"), {}, tmp_path / "model.pt")
    network = build_network("clip-vit-b32", 1, start_from=tmp_path / "model.pt").network
    assert isinstance(network, GradedCLIP)
    moving = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert 0 < moving < 2e6 < sum(p.numel() for p in network.parameters())


def test_halved_weights_are_those_that_are_used(tmp_path: Path) -> None:
    """The file is half as large, and what is measured is what it holds."""
    network = facegauge_models.create("conquerit").eval()
    save_network("conquerit", network, {"seed": 1}, tmp_path / "model.pt")
    whole = (tmp_path / "model.pt").stat().st_size
    halved(network, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 0.55 * whole
    picture = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(network(picture), load_network(tmp_path / "model.pt")[1](picture))
