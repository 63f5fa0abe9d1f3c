"""What is exported says what the checkpoint says, whatever else lies in the cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import Result

from facegauge_models.causes import CAUSES
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.store import write_source
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.release.export import provenance_fields

pytestmark = pytest.mark.usefixtures("pseudo_labelled")


@pytest.fixture(scope="module")
def exported(
    cache: Path,
    faces: Path,
    small: tuple[str, ...],
    done: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A student of 192 px that began with a teacher's weights; other labels came to the cache after it."""
    common = ("--cache", cache, "--run", "narrow-export", "--width", "192", "--pseudo-round", "1")
    done("student", *common, "--train-samples", "32", "--start-from", "teacher-0", *small)
    late = cache / "train-1-round-9"
    late.mkdir()
    row = {"codec": "x264", "frame": 1, "face_height": 200.0, "vmaf": 0.5, "gmsd": 0.1}
    write_source(late, "0789dddddd", "came-later", [np.zeros((384, 288, 3), np.uint8)], [row])
    out = tmp_path_factory.mktemp("models")
    try:
        options = ("--run", "narrow-export", "--name", "narrow", "--version", "9.9.9", "--out", out)
        done("export", "--cache", cache, "--faces", faces, *options)
    finally:
        for path in late.iterdir():
            path.unlink()
        late.rmdir()
    return out / "narrow"


def test_the_manifest_says_what_the_checkpoint_says(exported: Path, cache: Path) -> None:
    """Data, who labelled it, start and samples are the training's, not the cache's of today."""
    manifest = json.loads((exported / "manifest.json").read_text())
    first = load_trained(cache / "runs" / "teacher-0" / "teacher.pt")
    assert manifest["trained_on"] == ["invented-train", "soft"]
    assert manifest["labelled_by"] == {first.name: 8, "vmaf": 36}
    assert manifest["started_from"] == ["teacher-0/teacher.pt", "random"]
    assert manifest["train_samples"] == 32 + 64
    assert manifest["teachers"] == []
    assert manifest["checkpoint"].startswith("narrow-export@")


def test_the_width_is_the_checkpoints(exported: Path) -> None:
    """The ONNX file takes 192x256, agrees with the manifest, and costs what that size costs."""
    manifest = json.loads((exported / "manifest.json").read_text())
    assert (manifest["input"]["width"], manifest["input"]["height"]) == (192, 256)
    session = onnxruntime.InferenceSession(exported / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[1:] == [256, 192, 3]
    assert manifest["onnx_torch_difference"] <= 1e-3
    assert 0 < manifest["gflops"] < 0.05  # mobilenetv3_small_050: 0.06 at 288x384


def test_causes_are_exported_and_measured(exported: Path) -> None:
    """The file gives both outputs; the manifest names the causes, and says with the card how they agree."""
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["outputs"] == {"quality": "quality", "causes": list(CAUSES)}
    session = onnxruntime.InferenceSession(exported / "model.onnx", providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["quality", "causes"]
    measured = manifest["measured_causes"]
    assert measured["crops"] > 0
    assert "| noise |" in (exported / "MODEL_CARD.md").read_text()


def test_the_card_says_what_the_checkpoint_says(exported: Path, cache: Path) -> None:
    """No "random weights" where there was a start, no source that was not trained on."""
    card = " ".join((exported / "MODEL_CARD.md").read_text().split())
    first = load_trained(cache / "runs" / "teacher-0" / "teacher.pt").name
    assert "started from `teacher-0/teacher.pt`, which began with random weights" in card
    assert "192x256" in card
    assert "`invented-train`: CC0" in card
    assert "came-later" not in card
    assert f"the teacher `{first}`: 8; VMAF and the anchors above: 36" in card
    assert "saw 96 samples" in card
    assert "multiply-adds" in card


def test_a_checkpoint_without_provenance_is_refused(cache: Path, tmp_path: Path) -> None:
    """An earlier version's does not say what it was trained on, and nothing else is taken for it."""
    saved = torch.load(cache / "runs" / "teacher-0" / "teacher.pt", weights_only=True)
    del saved["sources"], saved["labelled_by"]
    torch.save(saved, tmp_path / "student.pt")
    with pytest.raises(RecipeError, match="on which photos"):
        provenance_fields(load_trained(tmp_path / "student.pt"))


def test_a_student_over_a_limit_is_not_written(
    cache: Path, faces: Path, train: Callable[..., Result], done: Callable[..., str], tmp_path: Path
) -> None:
    """What would not fit a call leaves no file behind."""
    options = ("--backbone", "resnet18", "--threads", "1", "--train-samples", "32", "--patch-share", "0")
    done("student", "--cache", cache, "--run", "heavy", "--small-share", "1", *options)
    more = ("--name", "heavy", "--version", "1", "--out", tmp_path, "--faces", faces)
    heavy = train("export", "--cache", cache, "--run", "heavy", *more)
    assert heavy.exit_code == 1
    assert "multiply-adds" in heavy.output
    assert not (tmp_path / "heavy" / "model.onnx").exists()
