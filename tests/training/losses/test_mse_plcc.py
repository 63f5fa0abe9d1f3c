from __future__ import annotations

import pytest
import torch

from facegauge_training.losses.mse_plcc import MSEPLCCLoss


def test_the_right_scores_cost_nothing_and_reversed_ones_most() -> None:
    """0 for equal vectors; a shift costs its square; a reversal costs the correlation too."""
    labels = torch.tensor([0.1, 0.4, 0.6, 0.9])
    loss = MSEPLCCLoss(mse_weight=10.0)
    assert loss(labels, labels).item() == pytest.approx(0, abs=1e-5)
    assert loss(labels + 0.1, labels).item() == pytest.approx(0.1, abs=1e-5)
    assert loss(labels.flip(0), labels).item() > 2


def test_equal_predictions_have_a_finite_gradient() -> None:
    """A collapsed batch does not poison the weights with NaN."""
    predictions = torch.full((4,), 0.5, requires_grad=True)
    MSEPLCCLoss()(predictions, torch.tensor([0.1, 0.4, 0.6, 0.9])).backward()
    assert predictions.grad is not None
    assert torch.isfinite(predictions.grad).all()
