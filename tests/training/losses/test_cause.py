"""The loss of causes: what was not measured costs nothing, and the largest cause is named first."""

from __future__ import annotations

import pytest
import torch

from facegauge_training.losses.cause import CauseLoss

NAN = float("nan")


def test_what_was_not_measured_costs_nothing() -> None:
    """Rows of NaN are left out of the loss and of its gradient."""
    predicted = torch.tensor([[0.2, 0.1], [0.9, 0.9]], requires_grad=True)
    loss = CauseLoss()(predicted, torch.tensor([[0.2, 0.1], [NAN, NAN]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert predicted.grad is not None
    assert predicted.grad[1].abs().sum() == 0
    assert CauseLoss()(predicted, torch.full((2, 2), NAN)).item() == 0


def test_the_squared_error_is_summed_over_causes() -> None:
    """By hand: two rows, errors 0.1 and 0.2 in one cause each, nothing that must be named."""
    gains = torch.tensor([[0.04, 0.0], [0.0, 0.0]])
    predicted = gains + torch.tensor([[0.1, 0.0], [0.0, 0.2]])
    assert CauseLoss()(predicted, gains).item() == pytest.approx(10 * (0.01 + 0.04) / 2)


def test_the_wrong_name_costs_more() -> None:
    """Of two answers equally far off, the one that names the right cause first is the better."""
    gains = torch.tensor([[0.3, 0.1]])
    right, wrong = torch.tensor([[0.2, 0.1]]), torch.tensor([[0.3, 0.0]]).flip(1)
    loss = CauseLoss(gain_weight=0.0)
    assert loss(right, gains) < loss(wrong, gains)
