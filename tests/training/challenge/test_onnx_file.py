"""A system as an ONNX file: what it says of pictures, whatever their size, is what torch says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch

import facegauge_models
from facegauge_training.challenge.batch_statistics import estimate_statistics
from facegauge_training.challenge.onnx_file import export, score_pictures
from facegauge_training.challenge.pictures import Pictures, read_pictures
from facegauge_training.challenge.predict import predict_pictures
from facegauge_training.common.errors import RecipeError

Floats = npt.NDArray[np.float64]
CPU = torch.device("cpu")
SIZES = ((96, 72), (150, 203), (217, 131))
"""Height and width."""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Pictures of three sizes, in turn."""
    folder = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(0)
    lines = ["image,score"]
    for n in range(9):
        height, width = SIZES[n % 3]
        cv2.imwrite(str(folder / f"{n}.png"), rng.integers(0, 40 + 20 * n, (height, width, 3), np.uint8))
        lines.append(f"{n}.png,{n / 10}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_pictures(folder, folder / "labels.csv")


def test_native_sizes_stay_native(mixed: Pictures, tmp_path: Path) -> None:
    """DERS takes pictures as they are: one file for all sizes, which resizes none of them."""
    torch.manual_seed(0)
    model, network = facegauge_models.info("ders"), facegauge_models.create("ders").eval()
    estimate_statistics(network, model.test, mixed, CPU)  # without them, random weights see no difference
    assert export(network, model, mixed, tmp_path / "ders.onnx") <= 1e-4
    entry = onnx.load(str(tmp_path / "ders.onnx")).graph.input[0].type.tensor_type.shape
    assert [side.dim_value or side.dim_param for side in entry.dim] == ["n", 3, "height", "width"]

    scores = score_pictures(tmp_path / "ders.onnx", mixed)
    expected = predict_pictures(network, model.test, mixed, CPU)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert np.ptp(expected) > 1e-2  # it does tell them apart, to more than the tolerance


def test_a_size_that_is_the_systems_own_is_fixed(mixed: Pictures, tmp_path: Path) -> None:
    """Pictures of all sizes are resized to it, in their order."""
    torch.manual_seed(0)
    model, network = facegauge_models.info("conquerit"), facegauge_models.create("conquerit").eval()
    export(network, model, mixed, tmp_path / "conquerit.onnx")
    entry = onnx.load(str(tmp_path / "conquerit.onnx")).graph.input[0].type.tensor_type.shape
    assert [side.dim_value or side.dim_param for side in entry.dim] == ["n", 3, 224, 224]
    expected = predict_pictures(network, model.test, mixed, CPU)
    np.testing.assert_allclose(score_pictures(tmp_path / "conquerit.onnx", mixed), expected, atol=1e-4)


def test_the_mean_of_random_patches(mixed: Pictures, tmp_path: Path) -> None:
    """The baseline's better score: patches differ, their mean is the same each time; others have none."""
    torch.manual_seed(0)
    model, network = facegauge_models.info("baseline"), facegauge_models.create("baseline").eval()
    estimate_statistics(network, model.test, mixed, CPU)
    export(network, model, mixed, tmp_path / "baseline.onnx")

    def score(rows: Pictures, patches: int | None) -> Floats:
        return score_pictures(tmp_path / "baseline.onnx", rows, patches=patches)

    enlarged, whole = (_enlarged(mixed, tmp_path / str(side), side) for side in (260, 224))
    few = score(enlarged, 3)
    np.testing.assert_array_equal(few, score(enlarged, 3))
    assert (np.abs(few - score(enlarged, None)) > 1e-5).all()
    assert (np.abs(few - score(enlarged, 4)) > 1e-5).all()
    # A picture that is a patch whole has only one: the mean of many is its score.
    np.testing.assert_allclose(score(whole, 3), score(whole, None), atol=1e-5)
    other = facegauge_models.create("conquerit")
    export(other, facegauge_models.info("conquerit"), mixed, tmp_path / "other.onnx")
    with pytest.raises(RecipeError, match="leave --patches out"):
        score_pictures(tmp_path / "other.onnx", mixed, patches=3)


def _enlarged(pictures: Pictures, folder: Path, side: int) -> Pictures:
    """Write pictures as squares."""
    folder.mkdir()
    for i, name in enumerate(pictures.names):
        cv2.imwrite(str(folder / name), cv2.resize(pictures[i], (side, side)))
    return replace(pictures, folder=folder)
