"""Losses of two sides (student and teacher, picture and copy): gradients, and batches that hold nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import tensor

from facegauge_training.losses.distillation import (
    DistributionDistillationLoss,
    FeatureDistillationLoss,
    ScoreDistillationLoss,
)
from facegauge_training.losses.focal_label_smoothing import FocalLabelSmoothingLoss
from facegauge_training.losses.ssar import SSARLoss

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _ranked(intact: torch.Tensor, degraded: torch.Tensor) -> torch.Tensor:
    value: torch.Tensor = SSARLoss(0.3)(intact, degraded, torch.full_like(intact, 0.5))
    return value


TWO_SIDED: dict[str, Loss] = {
    "scores": ScoreDistillationLoss(),
    "features": FeatureDistillationLoss(),
    "distribution": DistributionDistillationLoss(),
    "ranked": _ranked,
}


@pytest.mark.parametrize("name", TWO_SIDED)
def test_the_gradient(name: str) -> None:
    """Autograd's gradient is the numerical one."""
    loss = TWO_SIDED[name]
    student = tensor([[0.3, 0.6], [0.8, 0.2]], dtype=torch.float64, requires_grad=True)
    teacher = tensor([[0.4, 0.5], [0.6, 0.3]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher), (student,))


@pytest.mark.parametrize("name", TWO_SIDED)
@pytest.mark.parametrize(
    ("student", "teacher"),
    [
        ([[0.0, 0.0]], [[0.0, 0.0]]),
        ([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]),
        ([[0.0, 1.0]], [[1.0, 0.0]]),
        ([[80.0, -80.0]], [[-80.0, 80.0]]),
    ],
    ids=["nothing", "equal", "extremes", "far out"],
)
def test_it_stays_finite(name: str, student: list[list[float]], teacher: list[list[float]]) -> None:
    """Vectors without a direction, scores of 0 and 1, logits beyond any softmax."""
    s = tensor(student, requires_grad=True)
    value = TWO_SIDED[name](s, tensor(teacher))
    value.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(value)
    assert s.grad is not None
    assert torch.isfinite(s.grad).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focusing_is_finite_where_nothing_is_wrong(gamma: float) -> None:
    """A weight of 0 to a power below 1 has no slope of its own at 0: the loss's must be 0 there, not NaN."""
    predictions = tensor([0.2, 0.7], requires_grad=True)
    value = FocalLabelSmoothingLoss(smoothing=0.0, gamma=gamma)(predictions, tensor([0.2, 0.7]))
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-9)
    assert predictions.grad is not None
    assert predictions.grad.tolist() == [0.0, 0.0]
