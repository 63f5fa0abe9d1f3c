"""What each recipe adds to its loss on the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import facegauge_models
from facegauge_training.challenge.batches import picture_batches, plan_stages
from facegauge_training.challenge.objective import Objective, PictureBatch, TeacherOutputs
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.team_recipes import RECIPES

SCORES = torch.tensor([0.2, 0.8, 0.5, 0.6])
PICTURES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
BATCH = PictureBatch((0, 1, 2, 3), PICTURES, SCORES)


class Fixed(nn.Module):
    """Says the mean of each picture, squeezed to 0-1."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(1, 2, 3)).sigmoid()


def test_degraded_copies_are_ranked_below() -> None:
    """ISeeCV: a copy that scores higher costs what it is above, and its margin."""
    objective = Objective(RECIPES["iseecv"])
    worse = PictureBatch(BATCH.rows, PICTURES, SCORES, PICTURES + 1, torch.ones(4))
    outputs = objective(Fixed(), worse)
    intact, degraded = Fixed()(PICTURES), Fixed()(PICTURES + 1)
    by_hand = objective.loss(intact, SCORES) + (0.1 - intact + degraded).mean()
    assert outputs.item() == pytest.approx(by_hand.item(), rel=1e-5)
    with pytest.raises(ValueError, match="degraded copies"):
        objective(Fixed(), BATCH)


def test_a_teachers_scores_count_half() -> None:
    """2077Agent: half of the softened squared error to the teacher comes on top."""
    objective = Objective(RECIPES["2077agent"])
    alone = objective(Fixed(), BATCH)
    agreed = objective(Fixed(), BATCH, TeacherOutputs(Fixed()(PICTURES)))
    assert agreed.item() == pytest.approx(alone.item(), abs=1e-6)
    apart = objective(Fixed(), BATCH, TeacherOutputs(torch.tensor([0.9, 0.1, 0.9, 0.1])))
    assert apart > alone


def test_next_learns_embeddings_grades_and_scores() -> None:
    """With its own embeddings for the teacher's, two of the three levels are free; others cost."""
    network: Any = facegauge_models.create("next").eval()
    objective = Objective(RECIPES["next"])
    embedding = network.embed(PICTURES)
    grades = network.grades(embedding)
    own = TeacherOutputs(network(PICTURES), embedding, grades)
    assert objective(network, BATCH, own).item() == pytest.approx(objective(network, BATCH).item(), abs=1e-5)
    other = TeacherOutputs(own.scores, -embedding, grades.flip(1))
    loss = objective(network, BATCH, other)
    assert loss.item() > objective(network, BATCH).item() + 1
    loss.backward()
    assert network.projection.weight.grad is not None


def test_branches_have_a_loss_each() -> None:
    """ATHENAFace: the loss is the sum of both branches' own."""
    network: Any = facegauge_models.create("athenaface").eval()
    objective = Objective(RECIPES["athenaface"])
    first, second = network.branches(PICTURES)
    by_hand = objective.loss(first, SCORES) + objective.loss(second, SCORES)
    assert objective(network, BATCH).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_copies_are_cut_where_their_originals_are(scored: Path) -> None:
    """So that the degradation is the only difference; batches of one step are always the same."""
    pictures = read_pictures(scored / "images", scored / "labels.csv", decode=False)
    recipe = RECIPES["iseecv"]
    plan = plan_stages(recipe, Data(pictures, pictures, pictures), steps=10, batch=6)[0]
    first = next(picture_batches(pictures, recipe, plan, seed=1))
    assert first.degraded is not None
    assert first.severity is not None
    for intact, worse in zip(first.pictures, first.degraded, strict=True):
        correlation = torch.corrcoef(torch.stack([intact.flatten(), worse.flatten()]))[0, 1]
        assert correlation > 0.3
    later = picture_batches(pictures, recipe, plan, seed=1)
    third = [next(later) for _ in range(3)][2]
    assert torch.equal(
        third.pictures, next(picture_batches(pictures, recipe, plan, seed=1, start=2)).pictures
    )
    assert third.rows != first.rows
