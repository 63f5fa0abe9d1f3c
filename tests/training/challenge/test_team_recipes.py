from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

import facegauge_models
from facegauge_training.challenge.batches import plan_stages
from facegauge_training.challenge.objective import LOSSES
from facegauge_training.challenge.pictures import Pictures, read_pictures
from facegauge_training.challenge.recipe import RateSchedule, Recipe
from facegauge_training.challenge.samplers import SAMPLERS
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.team_recipes import RECIPES, find_recipe
from facegauge_training.common.errors import RecipeError


@pytest.fixture
def pictures(scored: Path) -> Pictures:
    return read_pictures(scored / "images", scored / "labels.csv", decode=False)


def test_every_model_has_a_recipe() -> None:
    """All fourteen and the teachers, by rank, each with a loss and a sampler that exist, and its silences."""
    assert tuple(RECIPES) == facegauge_models.names()
    for recipe in RECIPES.values():
        assert recipe.loss in LOSSES
        LOSSES[recipe.loss](**recipe.loss_options)
        assert recipe.sampler in SAMPLERS
        assert recipe.silent
        assert not recipe.teacher or recipe.teacher in RECIPES


def test_recipes_are_frozen_and_checked() -> None:
    """Nobody changes one by accident, and one that contradicts itself is not built."""
    recipe = RECIPES["mediaforensics"]
    with pytest.raises(FrozenInstanceError):
        recipe.loss = "mse"  # type: ignore[misc]
    for wrong in ({"keep": "best"}, {"stages": ()}, {"held_out": 0.0}, {"teacher": "swin-b"}):
        with pytest.raises(ValueError, match="mediaforensics"):
            replace(recipe, **wrong)
    with pytest.raises(ValueError, match="every"):
        RateSchedule("step")
    with pytest.raises(ValueError, match="factor"):
        RateSchedule(factor=1.0)
    with pytest.raises(ValueError, match="stage"):
        replace(recipe.stages[0], batch=1)
    with pytest.raises(ValueError, match="head"):
        replace(RECIPES["athenaface"], head=())


def test_an_unknown_system_lists_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"no system 'ecnu'.*ecnu-sjtu.*baseline"):
        find_recipe("ecnu")


def test_schedules_by_hand() -> None:
    """Each kind at chosen epochs."""
    step = RateSchedule("step", every=10, factor=0.1)
    assert [step.at(e, 30) for e in (0, 9, 10, 29)] == pytest.approx([1, 1, 0.1, 0.01])
    cosine = RateSchedule("cosine", warm_up=3)
    assert [cosine.at(e, 13) for e in (0, 3, 8)] == pytest.approx([1 / 3, 1, 0.5])
    rising = RateSchedule("cosine", every=5)  # falls and rises for five, as CosineAnnealingLR does
    assert [rising.at(e, 50) for e in (0, 5, 10)] == pytest.approx([1, 0, 1])
    parts = RateSchedule("milestones", milestones=(0.5,), factor=0.1)
    assert [parts.at(e, 10) for e in (4, 5)] == pytest.approx([1, 0.1])
    assert RateSchedule().at(7, 10) == 1


def test_a_budget_goes_through_the_whole_schedule(pictures: Pictures) -> None:
    """A tenth of the steps passes the same epochs, and stages keep their shares."""
    recipe = RECIPES["jnu620"]
    full = plan_stages(recipe, Data(pictures, pictures, pictures), batch=4)
    tenth = plan_stages(recipe, Data(pictures, pictures, pictures), budget=0.1, batch=4)
    assert [plan.steps for plan in full] == [50 * 6, 100 * 6]
    assert [plan.steps for plan in tenth] == [30, 60]
    assert [full[0].epoch(s) for s in (0, 6, 299)] == [0, 1, 49]
    assert [tenth[0].epoch(s) for s in (0, 15, 29)] == [0, 25, 48]
    fixed = plan_stages(recipe, Data(pictures, pictures, pictures), steps=100, batch=4)
    assert sum(plan.steps for plan in fixed) == 100


def test_a_budget_that_leaves_nothing_is_told(pictures: Pictures) -> None:
    with pytest.raises(RecipeError, match=r"3 stages.*--budget or more --steps"):
        plan_stages(RECIPES["mediaforensics"], Data(pictures, pictures, pictures), steps=4)


def test_a_recipe_without_a_name_for_its_teacher() -> None:
    """What is taken from a teacher and the teacher go together."""
    with pytest.raises(ValueError, match="teacher"):
        Recipe("x", "0", "adam", 0.0, "mse", RECIPES["ders"].stages, "-", distillation="scores")


def test_stages_on_other_rows(pictures: Pictures) -> None:
    """CLIP's teacher learns GFIQA first and its own rows then; without GFIQA the first stage goes."""
    clip = RECIPES["clip-vit-b32"]
    own, extra = pictures.take(np.arange(16)), pictures.take(np.arange(16, 24)).elsewhere()
    data = Data(own, pictures, own, extra, own.join(extra))
    assert [len(data.of(stage)) for stage in clip.stages] == [8, 16]
    assert [len(Data(own, pictures, own).of(s)) for s in clip.without_extra().stages] == [16]
    assert [len(data.of(stage)) for stage in RECIPES["athenaface"].stages] == [24, 16]
    assert [len(data.of(stage)) for stage in RECIPES["mediaforensics"].stages] == [16, 16, 24]
    assert data.joined is not None
    assert (data.joined[20] == pictures[20]).all()
    taking = {name for name, recipe in RECIPES.items() if recipe.takes_extra}
    assert taking == {"athenaface", "ecnu-vis", "regnet", "clip-vit-b32"}  # sections 3.3, 3.4, 3.6, 3.9
    with pytest.raises(ValueError, match="own rows"):
        replace(clip, stages=clip.stages[:1])
    with pytest.raises(ValueError, match="not both"):
        replace(clip.stages[0], all_rows=True)
