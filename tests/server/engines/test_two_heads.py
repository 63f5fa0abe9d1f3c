"""The students that name causes, as training exports them, run alike in both engines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from facegauge_models.causes import CAUSES
from facegauge_models.measure import crop_example, onnx_bytes
from facegauge_models.students import FaceStudent
from facegauge_server.engines import create_engine
from facegauge_server.engines.openvino import OpenVinoEngine
from facegauge_server.engines.student import Student, load_student
from facegauge_server.kinds import PICTURE_CAUSES
from facegauge_server.types import CauseKind
from facegauge_training.release.float32_cut import first_block_ends
from tests.tiny_student import write_tiny_student

from .conftest import expected_figures, figures

WIDTH, HEIGHT = 96, 128


@pytest.fixture(scope="module")
def two_headed(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """A `FaceStudent` of random weights, biases too, so that no two layers are alike, as after a training."""
    torch.manual_seed(3)
    network = FaceStudent()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    for last in (network.head[-1], network.cause_head[-1]):
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.normal_(last.weight, std=1.0)  # further from a half, so that crops differ
    coded = onnx_bytes(network, crop_example(HEIGHT, WIDTH), "pixels", ("quality", "causes"))
    folder = tmp_path_factory.mktemp("student")
    (folder / "model.onnx").write_bytes(coded)
    changes = {
        "input": {"width": WIDTH, "height": HEIGHT},
        "outputs": {"quality": "quality", "causes": list(CAUSES)},
        "float32_first": first_block_ends(folder / "model.onnx"),
    }
    return load_student(str(write_tiny_student(folder, coded, **changes)))


@pytest.fixture(scope="module")
def pictures() -> npt.NDArray[np.uint8]:
    """From flat to noise."""
    random = np.random.default_rng(3)
    strength = np.array([0, 10, 40, 120]).reshape(4, 1, 1, 1)
    noise = random.normal(0, 1, (4, HEIGHT, WIDTH, 3)) * strength
    made: npt.NDArray[np.uint8] = np.clip(128 + noise, 0, 255).astype(np.uint8)
    return made


@pytest.mark.parametrize("kind", ["openvino", "torch"])
def test_both_heads_agree_with_onnxruntime(
    two_headed: Student, pictures: npt.NDArray[np.uint8], kind: str
) -> None:
    """Quality and every cause, each under its name."""
    engine = create_engine(kind, two_headed, threads=1, precision="f32")
    given, expected = figures(engine.score(pictures)), expected_figures(two_headed, pictures)
    assert engine.causes == PICTURE_CAUSES
    assert np.ptp(expected, axis=0).min() > 0.003, "the pictures do differ"
    np.testing.assert_allclose(given, expected, atol=1e-4)
    engine.close()


@pytest.mark.skipif("bf16" not in OpenVinoEngine.precisions(), reason="this CPU has no bfloat16")
def test_both_heads_follow_a_first_part_in_float32(
    two_headed: Student, pictures: npt.NDArray[np.uint8]
) -> None:
    """Cut where training cuts, the rest in bfloat16: near the whole, for every figure."""
    engine = OpenVinoEngine(two_headed, 1, "bf16")
    np.testing.assert_allclose(
        figures(engine.score(pictures)), expected_figures(two_headed, pictures), atol=0.1
    )
    engine.close()


def test_every_cause_that_training_measures_can_be_served() -> None:
    """The names are the same on both sides."""
    assert tuple(map(CauseKind, CAUSES)) == PICTURE_CAUSES
