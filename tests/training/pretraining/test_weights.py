"""The file of a pretrained backbone: strict about where it goes, exact about the pixels' normalisation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import facegauge_models
from facegauge_models.preparation import normalised, planes
from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError
from facegauge_training.pretraining.backbones import STUDENT_PIXELS, Stages, build_backbone, trunks
from facegauge_training.pretraining.weights import load_pretrained_backbone, save_pretrained

IMAGENET = facegauge_models.info("jnu620").test.normalisation


def save(path: Path, name: str) -> dict[str, torch.Tensor]:
    """Write a backbone as it is before any training."""
    backbone = build_backbone(name, 5)
    weights = Stages(backbone.module).used_state()
    save_pretrained(path, weights, {"backbone": name, "normalisation": backbone.normalisation})
    return weights


def test_another_backbone_is_refused_by_name(tmp_path: Path) -> None:
    """Missing names and other shapes are an error that says what to give; nothing is loaded."""
    save(tmp_path / "backbone.pt", "mobilenetv3_small_050")
    for other in ("mobilenetv3_small_100", "edgenext_xx_small"):
        student = FaceStudent(other)
        before = {name: value.clone() for name, value in student.state_dict().items()}
        with pytest.raises(
            RecipeError, match=r"backbone\.pt holds mobilenetv3_small_050, which does not fit"
        ):
            load_pretrained_backbone(tmp_path / "backbone.pt", student)
        assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())


def test_a_part_of_a_backbone_is_refused(tmp_path: Path) -> None:
    """Weights for some of the stages alone would leave the others random."""
    weights = save(tmp_path / "whole.pt", "mobilenetv3_small_050")
    few = {name: value for name, value in weights.items() if not name.startswith("blocks.5")}
    save_pretrained(tmp_path / "few.pt", few, {"backbone": "a part", "normalisation": STUDENT_PIXELS})
    with pytest.raises(RecipeError, match=r"nothing for blocks\.5"):
        load_pretrained_backbone(tmp_path / "few.pt", FaceStudent("mobilenetv3_small_050"))


def test_a_student_s_backbone_goes_into_the_zoo_with_its_pixels(tmp_path: Path) -> None:
    """The winner's network gives the same maps of the same picture, although it normalises it otherwise."""
    weights = save(tmp_path / "backbone.pt", "edgenext_xx_small")
    network = facegauge_models.create("ecnu-sjtu").eval()
    load_pretrained_backbone(tmp_path / "backbone.pt", network, IMAGENET)
    student = build_backbone("edgenext_xx_small", 1).module.eval()
    student.load_state_dict(weights)
    pixels = torch.randint(0, 256, (1, 128, 96, 3))
    with torch.no_grad():
        ours = Stages(student)(normalised(planes(pixels), STUDENT_PIXELS))
        theirs = Stages(trunks(network)["backbone"])(normalised(planes(pixels), IMAGENET))
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-3 * float(a.abs().max()))


@pytest.mark.parametrize("system", ["baseline", "bit-ssvgg"])
def test_one_system_s_trunk_goes_into_the_others_that_have_it(tmp_path: Path, system: str) -> None:
    """MobileNetV2 of one team starts another's, whatever the trunk's place in it."""
    weights = save(tmp_path / "backbone.pt", "jnu620")
    network = facegauge_models.create(system)
    load_pretrained_backbone(tmp_path / "backbone.pt", network, IMAGENET)
    trunk = next(iter(trunks(network).values()))
    assert all(torch.equal(value, weights[name]) for name, value in trunk.state_dict().items())


def test_the_normalisation_must_be_known(tmp_path: Path) -> None:
    """A system's pixels are not guessed."""
    save(tmp_path / "backbone.pt", "jnu620")
    with pytest.raises(ValueError, match="normalisation"):
        load_pretrained_backbone(tmp_path / "backbone.pt", facegauge_models.create("jnu620"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Missing, broken, or a training's own weights: each error says what to give."""
    student = FaceStudent("mobilenetv3_small_050")
    with pytest.raises(RecipeError, match="--backbone NAME"):
        load_pretrained_backbone(tmp_path / "missing.pt", student)
    (tmp_path / "broken.pt").write_bytes(b"no weights")
    with pytest.raises(RecipeError, match="cannot be read"):
        load_pretrained_backbone(tmp_path / "broken.pt", student)
    torch.save(
        {"weights": student.state_dict(), "backbone": "mobilenetv3_small_050"}, tmp_path / "student.pt"
    )
    with pytest.raises(RecipeError, match="no pretrained backbone"):
        load_pretrained_backbone(tmp_path / "student.pt", student)
