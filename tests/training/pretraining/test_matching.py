"""The loss: every stage of both networks has a partner, and errors are relative to what a guess gets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facegauge_training.pretraining.feature_teacher import CHANNELS, STRIDES, FeatureTeacher
from facegauge_training.pretraining.matching import Matching, Targets, nearest_stages
from facegauge_training.pretraining.target_store import TargetStore


@pytest.mark.parametrize("strides", [[2, 4, 8, 16, 32], [4, 8, 16, 32], [2, 8, 16, 32, 64], [2, 16, 32]])
def test_every_stage_has_a_partner(strides: list[int]) -> None:
    """All of the teacher's stages are given, and all of the backbone's are used."""
    links = nearest_stages(strides)
    assert {own for own, _ in links} == set(range(len(strides)))
    assert {theirs for _, theirs in links} == set(range(len(STRIDES)))


def test_equal_strides_are_partners() -> None:
    """Nothing else is compared where strides agree."""
    assert nearest_stages([2, 4, 8, 16, 32]) == [(n, n) for n in range(5)]


def known(store: TargetStore) -> Targets:
    maps = {s: torch.from_numpy(found.astype(np.float32)) for s, found in store.outputs.maps.items()}
    return Targets(torch.from_numpy(store.outputs.statistics.astype(np.float32)), maps)


def test_adapters_read_the_teacher_out_of_itself(patches: TargetStore) -> None:
    """From the teacher's own maps the adapters learn its outputs: errors fall far below a guess's."""
    torch.manual_seed(1)
    matching = Matching(list(STRIDES), list(CHANNELS), patches)
    maps = FeatureTeacher().stages(torch.from_numpy(patches.pixels.copy()))
    optimizer = torch.optim.AdamW(matching.parameters(), 1e-2)
    totals = []
    for _ in range(80):
        losses = matching(maps, known(patches))
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
        totals.append(losses.total.item())
    assert losses.statistics < 0.1
    assert losses.pairs < 0.1
    assert losses.maps < 0.3
    assert totals[-1] < totals[0] / 5


def test_a_guess_of_the_mean_gets_about_1(patches: TargetStore) -> None:
    """Readers that say nothing have errors of 0.2 to 1.2: large ones count less than their squares."""
    matching = Matching(list(STRIDES), list(CHANNELS), patches)
    for parameter in matching.parameters():
        torch.nn.init.zeros_(parameter)
    losses = matching([torch.rand(len(patches.pixels), c, 8, 6) for c in CHANNELS], known(patches))
    for part in (losses.statistics, losses.maps, losses.pairs):
        assert 0.2 < part.item() < 1.2


def test_views_that_are_alike_have_no_difference_to_learn(patches: TargetStore) -> None:
    """With equal views and equal outputs the third part of the loss is 0."""
    matching = Matching(list(STRIDES), list(CHANNELS), patches).eval()
    outputs = known(patches)
    same = Targets(
        outputs.statistics[:1].expand(2, -1),
        {s: m[:1].expand(2, -1, -1, -1) for s, m in outputs.maps.items()},
    )
    maps = [torch.rand(1, c, 8, 6).expand(2, -1, -1, -1) for c in CHANNELS]
    assert matching(maps, same).pairs.item() == pytest.approx(0, abs=1e-6)
