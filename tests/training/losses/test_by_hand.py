"""Every loss against a value worked out by hand, its gradient against the numerical one, and at the edges."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import tensor

from facegauge_training.losses.coreface import CoReFaceLoss, WingLoss
from facegauge_training.losses.distillation import (
    DistributionDistillationLoss,
    FeatureDistillationLoss,
    ScoreDistillationLoss,
)
from facegauge_training.losses.focal_label_smoothing import ConqueritLoss, FocalLabelSmoothingLoss
from facegauge_training.losses.hybrid import HybridLoss
from facegauge_training.losses.l1_rank import L1RankLoss
from facegauge_training.losses.mse_plcc import MSECorrLoss, MSEPLCCLoss
from facegauge_training.losses.pairwise_rank import CorrelationLoss, PairwiseLogisticRankLoss
from facegauge_training.losses.plcc import PLCCLoss
from facegauge_training.losses.ssar import SSARLoss

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

P = tensor([0.2, 0.6, 0.4], dtype=torch.float64)
Y = tensor([0.1, 0.5, 0.9], dtype=torch.float64)
# Deviations of P: -0.2, 0.2, 0; of Y: -0.4, 0, 0.4. Products sum to 0.08, squares to 0.08 and 0.32.
PLCC = 0.08 / math.sqrt(0.08 * 0.32)
MSE = (0.01 + 0.01 + 0.25) / 3
# Pairs (1,0), (2,0), (2,1) in the order of Y differ by 0.4, 0.2, -0.2 in P.
RANK = sum(math.log(1 + math.exp(-gap)) for gap in (0.4, 0.2, -0.2)) / 3

REGRESSIONS: dict[str, tuple[Loss, float]] = {
    "plcc": (PLCCLoss(), 1 - PLCC),
    "mse + plcc": (MSEPLCCLoss(mse_weight=1.0), MSE + 1 - PLCC),
    "mse + corr": (MSECorrLoss(alpha=0.5), MSE + 0.5 * (1 - PLCC)),
    # One wrong pair, counted from both sides, out of six.
    "l1 rank": (L1RankLoss(rank_weight=2.0), 0.7 / 3 + 2 * (2 * 0.2) / 6),
    "pairwise rank": (PairwiseLogisticRankLoss(), RANK),
    "correlation": (CorrelationLoss(alpha=0.25), 0.25 * (1 - PLCC) + 0.75 * RANK),
    "focal": (
        FocalLabelSmoothingLoss(smoothing=0.0, gamma=1.0, scale=2.0),
        2 * sum((1 - math.exp(-e)) * e for e in (0.01, 0.01, 0.25)) / 3,
    ),
    "conquerit": (
        ConqueritLoss(balance=0.5, alpha=1.0, focal=FocalLabelSmoothingLoss(smoothing=0.0, gamma=2.0)),
        0.5 * (1 - PLCC) + 0.5 * sum((1 - math.exp(-e)) ** 2 * e for e in (0.01, 0.01, 0.25)) / 3,
    ),
    # Two errors of 0.1 are within the width of 0.2, one of 0.5 beyond.
    "wing": (
        WingLoss(width=0.2, eps=0.1),
        (2 * 0.2 * math.log(2) + 0.5 - (0.2 - 0.2 * math.log(3))) / 3,
    ),
    "coreface": (
        CoReFaceLoss(alpha=2.0, beta=3.0, width=1.0, eps=1.0),
        2 * (2 * math.log(1.1) + math.log(1.5)) / 3 + 3 * (1 - PLCC),
    ),
    "hybrid": (HybridLoss(alpha=0.75), 0.75 * MSE + 0.25 * (0.5 * (1 - PLCC) + 0.5 * RANK)),
    "score distillation": (ScoreDistillationLoss(soften=False), MSE),
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_the_value_by_hand(name: str) -> None:
    """Three predictions, one pair of them in the wrong order."""
    loss, by_hand = REGRESSIONS[name]
    assert loss(P, Y).item() == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_the_gradient(name: str) -> None:
    """Autograd's gradient is the numerical one."""
    loss, _ = REGRESSIONS[name]
    assert torch.autograd.gradcheck(lambda p: loss(p, Y), (P.clone().requires_grad_(),))


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize(
    ("predictions", "labels"),
    [
        ([0.5, 0.5, 0.5], [0.1, 0.5, 0.9]),
        ([0.1, 0.5, 0.9], [0.5, 0.5, 0.5]),
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ([0.3], [0.8]),
        ([0.4, 0.4, 0.7, 0.7], [0.2, 0.2, 0.6, 0.2]),
        ([0.0, 1.0], [1.0, 0.0]),
    ],
    ids=["equal predictions", "equal labels", "all equal", "one crop", "ties", "extremes"],
)
def test_it_stays_finite(name: str, predictions: list[float], labels: list[float]) -> None:
    """No batch, however degenerate, gives a value or a gradient that would ruin the weights."""
    loss, _ = REGRESSIONS[name]
    p = tensor(predictions, requires_grad=True)
    value = loss(p, tensor(labels))
    value.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(value)
    assert p.grad is not None
    assert torch.isfinite(p.grad).all()


def test_label_noise_is_drawn_anew() -> None:
    """Smoothing shifts each label by its own draw, and the same generator gives the same loss."""
    first, again, other = (
        FocalLabelSmoothingLoss(smoothing=0.1, generator=torch.Generator().manual_seed(seed))(P, Y)
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_adaptive_margins_grow_with_severity() -> None:
    """A gap of 0.1 is enough at severity 0.5 and too little at 1, by exactly the margin that is missing."""
    loss = SSARLoss(margin_scale=0.2)
    intact, degraded = tensor([0.8, 0.8]), tensor([0.7, 0.7])
    assert loss(intact, degraded, tensor([0.5, 0.5])).item() == pytest.approx(0, abs=1e-6)
    assert loss(intact, degraded, tensor([1.0, 0.5])).item() == pytest.approx(0.1 / 2)
    scores = tensor([0.5, 0.4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: loss(s, s - 0.05, torch.ones(2)), (scores,))


def test_softened_scores() -> None:
    """At temperature 2, scores of 0.5 and 0.8 are sigmoids of 0 and of half of ln 4, which is 2/3."""
    value = ScoreDistillationLoss(temperature=2.0)(tensor([0.5]), tensor([0.8]))
    assert value.item() == pytest.approx(4 * (2 / 3 - 1 / 2) ** 2, rel=1e-4)


def test_features_count_by_direction() -> None:
    """Features along the teacher's cost nothing whatever their length, those at a right angle cost 1."""
    loss = FeatureDistillationLoss(2, 2)
    loss.load_state_dict({"project.weight": torch.eye(2)})
    assert loss(tensor([[3.0, 0.0]]), tensor([[1.0, 0.0]])).item() == pytest.approx(0, abs=1e-6)
    assert loss(tensor([[3.0, 0.0]]), tensor([[0.0, 2.0]])).item() == pytest.approx(1, abs=1e-6)


def test_distributions_by_hand() -> None:
    """The teacher says 3 to 1, the student 1 to 1: KL is 3/4 ln(3/2) + 1/4 ln(1/2)."""
    student, teacher = tensor([[0.0, 0.0]]), tensor([[math.log(3), 0.0]])
    by_hand = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert DistributionDistillationLoss(temperature=1.0)(student, teacher).item() == pytest.approx(by_hand)


@pytest.mark.parametrize("loss", [ScoreDistillationLoss(), DistributionDistillationLoss()])
def test_the_teacher_is_not_taught(loss: Loss) -> None:
    """No gradient reaches the teacher, and the student's is the numerical one."""
    student = tensor([[0.2, 0.7]], dtype=torch.float64, requires_grad=True)
    teacher = tensor([[0.6, 0.3]], dtype=torch.float64, requires_grad=True)
    loss(student, teacher).backward()  # type: ignore[no-untyped-call]
    assert teacher.grad is None
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher), (student,))
