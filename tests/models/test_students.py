"""The students' two outputs: a quality, and what would come back without each cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from facegauge_models.causes import CAUSES
from facegauge_models.measure import crop_example, onnx_bytes, onnx_difference, onnx_session
from facegauge_models.students import FaceStudent

SMALL = "mobilenetv3_small_050"


def crops(count: int) -> torch.Tensor:
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.integers(0, 256, (count, 128, 96, 3), dtype=np.uint8))


def test_no_cause_gives_back_more_than_was_lost() -> None:
    """Whatever the weights: causes are between 0 and 1 minus the quality, so a perfect picture has none."""
    torch.manual_seed(0)
    student = FaceStudent(SMALL).eval()
    last: Any = student.head[-1]
    last_of_causes: Any = student.cause_head[-1]
    for bias in (-8.0, 0.0, 8.0):
        with torch.no_grad():
            last.bias.fill_(bias)
            last_of_causes.bias.fill_(20.0)
            quality, causes = student(crops(3))
        assert quality.shape == (3,)
        assert causes.shape == (3, len(CAUSES))
        assert (causes >= 0).all()
        torch.testing.assert_close(causes, (1 - quality)[:, None].expand(-1, len(CAUSES)), atol=1e-4, rtol=0)


def test_causes_do_not_move_the_quality() -> None:
    """The loss of the causes has no gradient in the head of the quality."""
    student = FaceStudent(SMALL).train()
    _, causes = student(crops(4))
    causes.sum().backward()
    assert all(parameter.grad is None for parameter in student.head[3].parameters())
    assert all(parameter.grad is not None for parameter in student.cause_head.parameters())


def test_both_outputs_are_exported() -> None:
    """ONNX gives what torch gives, for any number of crops."""
    torch.manual_seed(0)
    student = FaceStudent(SMALL).eval()
    coded = onnx_bytes(student, crop_example(128, 96), "pixels", ("quality", "causes"))
    assert [output.name for output in onnx_session(coded).get_outputs()] == ["quality", "causes"]
    assert onnx_difference(student, coded, np.asarray(crops(3))) < 1e-5
