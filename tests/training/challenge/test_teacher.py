"""A teacher may be an ONNX file: it says what the network says from which it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import facegauge_models
from facegauge_training.challenge.onnx_file import export
from facegauge_training.challenge.pictures import Pictures, read_pictures
from facegauge_training.challenge.teacher import Teacher
from facegauge_training.common.errors import RecipeError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures(scored: Path) -> Pictures:
    return read_pictures(scored / "images", scored / "labels.csv", decode=False)


@pytest.fixture(scope="module")
def files(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One network twice: model.pt and model.onnx."""
    folder = tmp_path_factory.mktemp("teacher")
    torch.manual_seed(0)
    network = facegauge_models.create("conquerit").eval()
    torch.save({"system": "conquerit", "weights": network.state_dict()}, folder / "model.pt")
    export(network, facegauge_models.info("conquerit"), pictures, folder / "model.onnx")
    return folder / "model.pt", folder / "model.onnx"


def test_both_files_say_the_same(files: tuple[Path, Path], pictures: Pictures) -> None:
    outputs = [Teacher(file, CPU) for file in files]
    assert [teacher.system for teacher in outputs] == ["conquerit", "conquerit"]
    assert outputs[0].fingerprint != outputs[1].fingerprint
    one, other = (teacher.predict(pictures, (0, 7, 3)) for teacher in outputs)
    assert other.scores.shape == (3,)
    torch.testing.assert_close(one.scores, other.scores, atol=1e-4, rtol=0)
    assert other.grades is None
    assert not outputs[1].graded


def test_an_answer_does_not_depend_on_its_company(files: tuple[Path, Path], pictures: Pictures) -> None:
    """To the last bit, as a resumed run needs it."""
    first, other = Teacher(files[1], CPU), Teacher(files[1], CPU)
    assert torch.equal(first.predict(pictures, (5, 2)).scores[1:], other.predict(pictures, (2,)).scores)


def test_an_onnx_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no .*none\.onnx"):
        Teacher(tmp_path / "none.onnx", CPU)
    (tmp_path / "none.onnx").write_bytes(b"nothing")
    with pytest.raises(RecipeError, match="no model that ONNX Runtime can load"):
        Teacher(tmp_path / "none.onnx", CPU)
