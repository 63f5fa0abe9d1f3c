"""When a rate falls and when a stage ends, by Scores that are written down here."""

from __future__ import annotations

import pytest
from torch import nn

from facegauge_training.challenge.team_recipes import RECIPES
from facegauge_training.challenge.weight_keeper import Keeper

NETWORK = nn.Linear(1, 1)


def test_a_stage_ends_after_its_patience() -> None:
    """RegNet: seven epochs without a better Score, neither six nor eight; a better one starts anew."""
    recipe = RECIPES["regnet"]
    keeper = Keeper(recipe)
    ended = []
    for epoch, score in enumerate([0.1, 0.2, *[0.2] * 10]):
        keeper.note(NETWORK, score, epoch, recipe.stages[0])
        if keeper.gave_up(epoch + 1):
            ended.append(epoch)
    assert ended[0] == 1 + 7


def test_a_score_that_is_not_defined_is_no_better_one() -> None:
    """Constant predictions have no correlation: they count as an epoch in vain."""
    recipe = RECIPES["regnet"]
    keeper = Keeper(recipe)
    for epoch in range(7):
        assert not keeper.gave_up(epoch)
        keeper.note(NETWORK, None, epoch, recipe.stages[0])
    assert keeper.gave_up(7)


def test_the_rate_falls_on_a_plateau() -> None:
    """Conquerit: to a tenth after three epochs in vain, and again after three more."""
    recipe = RECIPES["conquerit"]
    keeper = Keeper(recipe)
    rates = []
    for epoch, score in enumerate([0.5, *[0.4] * 6]):
        keeper.note(NETWORK, score, epoch, recipe.stages[0])
        rates.append(keeper.multiplier)
    assert rates == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01])


def test_stages_before_an_average_hand_on_their_best() -> None:
    """MediaForensics averages its last stage alone; the two before it end with their best weights."""
    recipe = RECIPES["mediaforensics"]
    keeper, network = Keeper(recipe), nn.Linear(1, 1, bias=False)
    for epoch, (weight, score) in enumerate([(1.0, 0.3), (2.0, 0.9), (3.0, 0.5)]):
        nn.init.constant_(network.weight, weight)
        keeper.note(network, score, epoch, recipe.stages[0])
    keeper.finish(network, recipe.stages[0])
    assert network.weight.item() == 2.0
    for epoch, weight in enumerate([4.0, 6.0]):
        nn.init.constant_(network.weight, weight)
        keeper.average(network)
        keeper.note(network, 0.9 - epoch, epoch, recipe.stages[2])
    keeper.finish(network, recipe.stages[2])
    assert network.weight.item() == 5.0
