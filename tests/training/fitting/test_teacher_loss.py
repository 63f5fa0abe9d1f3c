"""What a student is drawn to: its teacher's outputs, where they were computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facegauge_training.fitting.teacher_loss import Distillation, TeacherOutputs


def test_crops_without_outputs_cost_nothing() -> None:
    """The loss is over the crops that have outputs, and 0 where none has."""
    rng = np.random.default_rng(0)
    known = np.array([0.2, np.nan, 0.8, np.nan], np.float32)
    outputs = TeacherOutputs(known, rng.random((4, 6), np.float32), rng.random((4, 8), np.float32))
    loss = Distillation(outputs, 8)
    scored, causes, rows = (
        torch.tensor([0.5, 0.5], requires_grad=True),
        torch.zeros((2, 6)),
        torch.ones((2, 8)),
    )
    both = loss(torch.tensor([0, 1]), scored, causes, rows)
    both.backward()
    assert scored.grad is not None
    assert scored.grad[0] != 0
    assert scored.grad[1] == 0
    assert both.item() == pytest.approx(loss(torch.tensor([0]), scored[:1], causes[:1], rows[:1]).item())
    assert loss(torch.tensor([1, 3]), scored, causes, rows).item() == 0


def test_a_student_is_drawn_to_what_its_teacher_says_of_causes() -> None:
    """The same causes cost nothing; others cost their squared error."""
    causes = np.full((2, 6), 0.1, np.float32)
    features = np.ones((2, 8), np.float32)
    loss = Distillation(TeacherOutputs(np.full(2, 0.5, np.float32), causes, features), 8)
    rows, scores, given = torch.tensor([0, 1]), torch.full((2,), 0.5), torch.ones((2, 8))
    same = loss(rows, scores, torch.from_numpy(causes), given).item()
    other = loss(rows, scores, torch.from_numpy(causes + 0.1), given).item()
    assert other - same == pytest.approx(Distillation.CAUSE_WEIGHT * 6 * 0.01, rel=1e-3)
