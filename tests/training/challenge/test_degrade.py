from __future__ import annotations

import numpy as np
import pytest
import torch

from facegauge_training.challenge.degrade import KINDS, degrade

PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 120, 90, 3)).astype(np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_copies_lose_detail_or_gain_noise(kind: str) -> None:
    """Every kind changes every picture, and says how much, the same for the same seed."""
    copies, severity = degrade(PIXELS, np.random.default_rng(1), kind)
    assert copies.shape == PIXELS.shape
    assert ((severity >= 0.1) & (severity <= 1.0)).all()
    assert (copies - PIXELS).abs().mean(dim=(1, 2, 3)).min() > 1
    assert torch.equal(copies, degrade(PIXELS, np.random.default_rng(1), kind)[0])


def test_the_more_severe_the_worse() -> None:
    """A blur of each picture's own strength leaves the less contrast the more severe it is."""
    same = PIXELS[:1].repeat(6, 1, 1, 1)
    copies, severity = degrade(same, np.random.default_rng(2), "blur")
    contrast = copies.std(dim=(1, 2, 3))
    assert torch.equal(severity.argsort(), contrast.argsort(descending=True))


def test_all_kinds_are_drawn() -> None:
    """Batch by batch: blur is smooth, noise is rough, a reduction is alike for all."""
    rough = [
        float((copies[:, 1:] - copies[:, :-1]).abs().mean())
        for copies, _ in (degrade(PIXELS * 0 + 128, np.random.default_rng(s)) for s in range(20))
    ]
    assert 0 < sum(r > 1 for r in rough) < 20  # grey stays grey but for noise
