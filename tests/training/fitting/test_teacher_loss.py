"""What a student is drawn to: its teacher's outputs, where they were computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facegauge_training.fitting.teacher_loss import Distillation


def test_crops_without_outputs_cost_nothing() -> None:
    """The loss is over the crops that have outputs, and 0 where none has."""
    features = np.random.default_rng(0).random((4, 8), np.float32)
    scores = np.array([0.2, np.nan, 0.8, np.nan], np.float32)
    loss = Distillation(scores, features, 8)
    scored, rows = torch.tensor([0.5, 0.5], requires_grad=True), torch.ones((2, 8))
    both = loss(torch.tensor([0, 1]), scored, rows)
    both.backward()
    assert scored.grad is not None
    assert scored.grad[0] != 0
    assert scored.grad[1] == 0
    assert both.item() == pytest.approx(loss(torch.tensor([0]), scored[:1], rows[:1]).item())
    assert loss(torch.tensor([1, 3]), scored, rows).item() == 0
