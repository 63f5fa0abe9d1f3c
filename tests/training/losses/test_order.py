from __future__ import annotations

import math

import pytest
import torch

from facegauge_training.losses.order import ClipOrderLoss


def test_the_value_by_hand() -> None:
    """Half a logit apart at scale 0.5: log(1 + exp(-1)) in order, log(1 + e) out of it."""
    scores = torch.sigmoid(torch.tensor([0.5, 0.0], dtype=torch.float64))
    loss = ClipOrderLoss(scale=0.5)
    clips = torch.tensor([3, 3])
    assert loss(scores, torch.tensor([0.9, 0.1]), clips).item() == pytest.approx(math.log(1 + math.exp(-1)))
    assert loss(scores, torch.tensor([0.1, 0.9]), clips).item() == pytest.approx(math.log(1 + math.e))


def test_other_clips_and_ties_cost_nothing() -> None:
    """Nobody is compared across clips, nor where the keys are as good as equal; the gradient stays finite."""
    scores = torch.tensor([0.0, 1.0, 0.5], requires_grad=True)
    loss = ClipOrderLoss(least=0.005)(scores, torch.tensor([0.9, 0.1, 0.902]), torch.tensor([1, 2, 1]))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad is not None
    assert torch.isfinite(scores.grad).all()


def test_the_gradient() -> None:
    """Autograd's gradient is the numerical one."""
    scores = torch.tensor([0.2, 0.4, 0.9, 0.5], dtype=torch.float64, requires_grad=True)
    keys, clips = torch.tensor([0.1, 0.8, 0.5, 0.2]), torch.tensor([0, 0, 0, 1])
    assert torch.autograd.gradcheck(lambda s: ClipOrderLoss()(s, keys, clips), (scores,))


def test_it_tells_ruins_apart() -> None:
    """At the bottom of the scale, where a squared error sees nothing, the gradient still pulls."""
    scores = torch.tensor([0.004, 0.011], requires_grad=True)
    ClipOrderLoss()(scores, torch.tensor([0.02, 0.0]), torch.tensor([0, 0])).backward()
    assert scores.grad is not None
    assert scores.grad[0] < -1
    assert scores.grad[1] > 1
