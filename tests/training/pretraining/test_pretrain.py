"""The command: it leaves weights that students read, never learns from val, and resumes exactly."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from facegauge_models.preparation import normalised, planes
from facegauge_models.students import FaceStudent
from facegauge_training.commands.pretraining_commands import pretrain
from facegauge_training.common.average import follow
from facegauge_training.common.errors import RecipeError
from facegauge_training.pretraining import distil as loop
from facegauge_training.pretraining.backbones import build_backbone
from facegauge_training.pretraining.distil import Distilled, distil
from facegauge_training.pretraining.plan import BATCH, Plan
from facegauge_training.pretraining.target_store import TargetStore
from facegauge_training.pretraining.weights import load_pretrained_backbone

pytestmark = pytest.mark.timeout(300)  # trainings of a few steps, on a machine that may be busy
SMALL = "mobilenetv3_small_050"
CPU = torch.device("cpu")


def run(cache: Path, photos_folder: Path, targets: Path, *more: str) -> Result:
    command = [
        "--backbone",
        SMALL,
        "--faces",
        str(photos_folder),
        "--cache",
        str(cache),
        "--targets",
        str(targets),
    ]
    settings = [
        "--train-samples",
        str(2 * BATCH),
        "--patch-pairs",
        "1",
        "--crop-pairs",
        "1",
        "--crop-share",
        "0.5",
    ]
    return CliRunner().invoke(pretrain, [*command, *settings, *more])


def test_two_steps_leave_weights_that_a_student_starts_from(
    tmp_path: Path, photos_folder: Path, targets: Path
) -> None:
    """The file holds the backbone alone and what it was made from, and all of it goes into a student."""
    result = run(tmp_path, photos_folder, targets)
    assert result.exit_code == 0, result.output
    path = tmp_path / "pretrained" / SMALL / "backbone.pt"
    student = FaceStudent(SMALL)
    head = {name: value.clone() for name, value in student.head.state_dict().items()}
    metadata = load_pretrained_backbone(path, student)
    weights = torch.load(path, weights_only=True)["weights"]
    assert weights.keys() == student.backbone.state_dict().keys()
    assert all(torch.equal(value, weights[name]) for name, value in student.backbone.state_dict().items())
    assert all(torch.equal(value, head[name]) for name, value in student.head.state_dict().items())
    assert metadata == json.loads(path.with_suffix(".json").read_text())
    assert metadata["backbone"] == SMALL
    assert metadata["samples"] == 2 * BATCH
    assert metadata["sources"] == {"one": 2, "two": 1}, "val must not be learnt from"
    rows = [json.loads(line) for line in (path.parent / "log.jsonl").read_text().splitlines()]
    assert [(row["step"], row["views"]) for row in rows] == [(1, "patches"), (2, "crops")]


def test_other_settings_do_not_go_on_with_a_training(
    tmp_path: Path, photos_folder: Path, targets: Path
) -> None:
    """A checkpoint of another rate is refused; one that is to run longer goes on."""
    assert run(tmp_path, photos_folder, targets).exit_code == 0
    refused = run(tmp_path, photos_folder, targets, "--rate", "0.5")
    assert refused.exit_code == 1
    assert "rate 0.002, not 0.5" in refused.output
    longer = run(tmp_path, photos_folder, targets, "--train-samples", str(3 * BATCH))
    assert longer.exit_code == 0, longer.output
    rows = (tmp_path / "pretrained" / SMALL / "log.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [1, 2, 3]


def test_a_killed_training_ends_with_the_same_weights(
    patches: TargetStore, crops: TargetStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after its second step and started again, a training equals one that ran through."""

    def train(folder: Path) -> Distilled:
        folder.mkdir(exist_ok=True)
        plan = Plan(3 * BATCH, 0.34, 1e-3, seed=2, save_every_s=0)
        return distil(build_backbone(SMALL, 2), patches, crops, folder, plan, CPU)

    whole = train(tmp_path / "whole")
    calls = itertools.count(1)

    def killed(*args: object) -> None:
        if next(calls) == 3:
            raise KeyboardInterrupt
        follow(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "follow", killed)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed")
    monkeypatch.setattr(loop, "follow", follow)
    resumed = train(tmp_path / "killed")
    assert resumed.weights.keys() == whole.weights.keys()
    assert all(torch.equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)
    assert resumed.losses == whole.losses
    rows = [json.loads(line) for line in (tmp_path / "killed" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]


def test_learning_brings_the_backbone_nearer_to_the_teacher(
    patches: TargetStore, crops: TargetStore, tmp_path: Path
) -> None:
    """After twelve steps the loss is lower than at the first."""
    distil(build_backbone(SMALL, 2), patches, crops, tmp_path, Plan(12 * BATCH, 0.0, 3e-3, 1), CPU)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < 0.85 * rows[0]["loss"]


def test_a_loss_that_is_not_finite_ends_the_training(
    patches: TargetStore, crops: TargetStore, tmp_path: Path
) -> None:
    """A network that gives NaN is not trained on."""
    backbone = build_backbone(SMALL, 1)
    with torch.no_grad():
        next(backbone.module.parameters()).fill_(float("nan"))
    with pytest.raises(RecipeError, match="--rate"):
        distil(backbone, patches, crops, tmp_path, Plan(BATCH, 0.0, 1e-3, 1), CPU)


def test_a_missing_folder_of_faces_is_named(tmp_path: Path) -> None:
    """The error says which option to give."""
    result = run(tmp_path, tmp_path / "nowhere", tmp_path)
    assert result.exit_code == 1
    assert "--faces" in result.output


def test_statistics_belong_to_the_weights(patches: TargetStore, crops: TargetStore, tmp_path: Path) -> None:
    """Those of torchvision's MobileNetV3 hardly move by themselves; what is left has them as of views."""
    backbone = build_backbone("next", 2)
    trained = distil(backbone, patches, crops, tmp_path, Plan(2 * BATCH, 0.5, 1e-3, seed=2), CPU)
    backbone.module.load_state_dict(trained.weights, strict=False)
    gaps: list[float] = []

    def compare(layer: torch.nn.Module, inputs: tuple[torch.Tensor], _: torch.Tensor) -> None:
        kept = dict(layer.named_buffers())["running_var"]
        gaps.append(float((inputs[0].var(dim=(0, 2, 3)) / kept).log().abs().median()))

    for layer in backbone.module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.register_forward_hook(compare)
    pixels = normalised(planes(torch.from_numpy(crops.pixels.copy())), backbone.normalisation)
    with torch.no_grad():
        backbone.module.eval()(pixels)
    assert max(gaps[:10]) < 0.5


def test_the_end_is_trained_with_the_result_s_statistics(
    patches: TargetStore, crops: TargetStore, tmp_path: Path
) -> None:
    """Its last share divides by what was estimated once, which is what the weights are left with."""
    backbone = build_backbone(SMALL, 2)
    name, layer = next(
        (name, layer)
        for name, layer in backbone.module.named_modules()
        if isinstance(layer, torch.nn.BatchNorm2d)
    )
    seen: list[tuple[bool, torch.Tensor]] = []

    def note(which: torch.nn.Module, *_: object) -> None:
        if which is layer and torch.is_grad_enabled():  # not the average, which is a copy, hooks and all
            assert layer.running_var is not None
            seen.append((layer.training, layer.running_var.clone()))

    layer.register_forward_hook(note)
    plan = Plan(4 * BATCH, 0.5, 1e-3, seed=2, fixed_share=0.5)
    weights = distil(backbone, patches, crops, tmp_path, plan, CPU).weights
    assert [own for own, _ in seen] == [True, True, False, False]
    left = weights[f"{name}.running_var"]
    assert all(torch.allclose(variance, left) for own, variance in seen if not own)
