"""The loop on a tiny network: whatever a recipe does, a kill changes nothing about the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.batches import StagePlan, plan_stages
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.challenge.recipe import RateSchedule, Recipe
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.task import train_system
from facegauge_training.challenge.team_recipes import RECIPES
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import read_log

CPU = torch.device("cpu")
SMALL = Preprocessing(size=(36, 36), crop=(32, 32), position="random")


class Killed(BaseException):
    """Stands for the end of the process: nobody catches it."""


class Tiny(nn.Module):
    """Two branches with what makes a training stateful: batch statistics and dropout."""

    def __init__(self, dies_after: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.BatchNorm2d(4), nn.ReLU())
        self.mobilenet_head = nn.Sequential(nn.Dropout(0.3), nn.Linear(4, 1))
        self.shufflenet_head = nn.Linear(4, 1)
        self.dies_after = dies_after
        self.steps = 0

    def branches(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.steps += self.training
        if self.dies_after is not None and self.steps > self.dies_after:
            raise Killed
        pooled = self.features(pictures).mean(dim=(2, 3))
        return self.mobilenet_head(pooled)[:, 0], self.shufflenet_head(pooled)[:, 0]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        first, second = self.branches(pictures)
        return (first + second) / 2


def _small(name: str, **changes: Any) -> Recipe:
    recipe = RECIPES[name]
    return replace(recipe, stages=tuple(replace(s, train=SMALL) for s in recipe.stages), **changes)


@pytest.fixture
def data(scored: Path) -> Data:
    pictures = read_pictures(scored / "images", scored / "labels.csv", decode=False)
    rows = pictures.take(torch.arange(18).numpy())
    return Data(rows, pictures, pictures.take(torch.arange(18, 24).numpy()))


def _plans(recipe: Recipe, data: Data, steps: int) -> list[StagePlan]:
    return plan_stages(recipe, data, steps=steps, batch=4, validations=4)


def _train(network: Tiny, recipe: Recipe, data: Data, folder: Path, **more: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    plans = _plans(recipe, data, 12)
    settings: dict[str, Any] = {"seed": 3, "device": CPU, "save_every_s": 0.0} | more
    return train_system(network, recipe, plans, data, folder, {"system": recipe.system}, **settings)


def _same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("name", "dies_after"),
    [
        ("conquerit", 5),
        ("athenaface", 1),
        ("athenaface", 7),
        ("mediaforensics", 11),
        ("iseecv", 5),
        ("regnet", 5),
        ("jnu620", 4),
    ],
)
def test_a_kill_changes_nothing(name: str, dies_after: int, data: Data, tmp_path: Path) -> None:
    """Label noise, plateaus, frozen parts, averages, degraded copies, samplers, stages: all go on."""
    recipe = _small(name)
    unbroken, killed, resumed = Tiny(), Tiny(dies_after), Tiny()
    result = _train(unbroken, recipe, data, tmp_path / "unbroken")
    with pytest.raises(Killed):
        _train(killed, recipe, data, tmp_path / "killed")
    assert _train(resumed, recipe, data, tmp_path / "killed") == result
    assert 0 < resumed.steps < 12
    assert _same(unbroken, resumed)
    logs = [read_log(tmp_path / folder / "log.jsonl") for folder in ("unbroken", "killed")]
    for row in (row for log in logs for row in log):
        del row["s_per_step"]
    assert logs[0] == logs[1]


def test_a_finished_training_is_not_repeated(data: Data, tmp_path: Path) -> None:
    """The same command again gives the same result without a step."""
    first, again = Tiny(), Tiny()
    result = _train(first, _small("baseline"), data, tmp_path)
    assert _train(again, _small("baseline"), data, tmp_path) == result
    assert again.steps == 0
    assert _same(first, again)


def test_other_settings_do_not_mix(data: Data, tmp_path: Path) -> None:
    """A folder of another training is refused, and what differs is told."""
    _train(Tiny(), _small("baseline"), data, tmp_path)
    with pytest.raises(RecipeError, match=r"system 'baseline', not 'ders'.*--run"):
        _train(Tiny(), _small("ders"), data, tmp_path)


def test_a_broken_checkpoint_is_told(data: Data, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with pytest.raises(RecipeError, match="delete it to start anew"):
        _train(Tiny(), _small("baseline"), data, tmp_path)


def test_a_loss_that_is_not_finite_ends_the_training(data: Data, tmp_path: Path) -> None:
    """Before it spoils the weights, with what to try."""
    network = Tiny()
    with torch.no_grad():
        network.shufflenet_head.bias.fill_(float("nan"))
    with pytest.raises(RecipeError, match=r"not finite after 0 steps.*--seed"):
        _train(network, _small("baseline"), data, tmp_path)


def test_a_frozen_backbone_stands_still(data: Data, tmp_path: Path) -> None:
    """For eight epochs of its second stage ATHENAFace moves its heads alone, batch statistics included."""
    recipe = _small("athenaface")
    frozen = replace(recipe, stages=(replace(recipe.stages[1], epochs=20, frozen_epochs=19),))
    before, after = Tiny(), Tiny()
    plans = plan_stages(frozen, data, steps=10, batch=4)
    train_system(after, frozen, plans, data, tmp_path, {}, seed=3, device=CPU)
    assert _same(before.features, after.features)
    assert not _same(before.shufflenet_head, after.shufflenet_head)
    assert all(parameter.requires_grad for parameter in after.mobilenet_head.parameters())


def test_the_loss_falls_and_is_logged(data: Data, tmp_path: Path) -> None:
    """The log has the loss and the rate of every step of a short run, and the figures of each look."""
    recipe = _small("ders", weight_decay=0.0)
    stages = tuple(replace(stage, schedule=RateSchedule("cosine"), rate=0.03) for stage in recipe.stages)
    recipe = replace(recipe, stages=stages)
    plans = plan_stages(recipe, data, steps=60, batch=4, validations=4)
    result = train_system(Tiny(), recipe, plans, data, tmp_path, {}, seed=3, device=CPU)
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 61))
    assert sum("srocc" in row for row in rows) == 4
    assert result["last_loss"] < result["first_loss"]
    assert rows[0]["rate"] > rows[-1]["rate"]


def test_patience_ends_a_stage_early(data: Data, tmp_path: Path) -> None:
    """A network that cannot get better is not trained to the end."""
    recipe = _small("regnet", patience=1)
    stages = (replace(recipe.stages[0], rate=1e-12, schedule=RateSchedule()),)
    recipe = replace(recipe, stages=stages)
    plans = plan_stages(recipe, data, steps=40, batch=4, validations=40)
    network = Tiny()
    train_system(network.requires_grad_(True), recipe, plans, data, tmp_path, {}, seed=3, device=CPU)
    assert network.steps < 40


def test_the_average_is_that_of_the_last_stage(data: Data, tmp_path: Path) -> None:
    """MediaForensics' result is no single moment's weights: it differs from the last step's."""
    recipe = _small("mediaforensics")
    last = replace(recipe, keep="last", stages=tuple(replace(s, average=False) for s in recipe.stages))
    averaged, ended = Tiny(), Tiny()
    _train(averaged, recipe, data, tmp_path / "a")
    _train(ended, last, data, tmp_path / "b")
    assert not _same(averaged, ended)


def test_a_score_on_rows_that_were_trained_on_says_so(data: Data, tmp_path: Path) -> None:
    """MediaForensics' last stage sees the held-out rows: its validations and the result are marked."""
    assert _train(Tiny(), _small("mediaforensics"), data, tmp_path)["validation_trained_on"]
    validations = {r["stage"]: r for r in read_log(tmp_path / "log.jsonl") if "score" in r}
    assert [n for n, row in validations.items() if "validation_trained_on" in row] == [2]


def test_a_stage_may_train_with_the_statistics_of_the_test(data: Data, tmp_path: Path) -> None:
    """From its share of the steps on, it divides by what was estimated then, and the test does so too.

    Estimated once: done again, at a look or at the end, it would undo what those steps taught.
    """
    network, seen = Tiny(), []
    normalisation = network.features[1]
    assert isinstance(normalisation, nn.BatchNorm2d)

    def note(layer: nn.BatchNorm2d, *_: object) -> None:
        if network.training and layer.running_var is not None:
            seen.append((layer.training, layer.running_var.clone()))

    normalisation.register_forward_hook(note)
    recipe = _small("regnet", patience=None)
    assert [stage.fixed_from for stage in recipe.stages] == [0.8]
    _train(network, replace(recipe, keep="last"), data, tmp_path)
    assert [own for own, _ in seen] == [True] * 10 + [False] * 2  # of 12 steps, looked at after each third
    left = normalisation.running_var
    assert left is not None
    assert all(torch.equal(variance, left) for own, variance in seen if not own)


def test_later_stages_may_train_with_them_from_their_first_step(data: Data, tmp_path: Path) -> None:
    """MediaForensics' first stage ends on the statistics of the test; the others know no others."""
    network, seen = Tiny(), []
    network.features[1].register_forward_hook(
        lambda layer, *_: seen.append(layer.training) if network.training else None
    )
    recipe = _small("mediaforensics")
    assert [stage.fixed_from for stage in recipe.stages] == [0.8, 0.0, 0.0]
    _train(network, recipe, data, tmp_path)
    first, *others = (plan.steps for plan in _plans(recipe, data, 12))
    own = -(-first * 4 // 5)
    assert seen == [True] * own + [False] * (first - own + sum(others))


def test_rows_may_be_fewer_than_a_batch(data: Data, tmp_path: Path) -> None:
    """Then a batch is all of them."""
    few, recipe = (
        Data(data.train.take(torch.arange(5).numpy()), data.everything, data.validation),
        _small("ders"),
    )
    plans = plan_stages(recipe, few, steps=3)
    assert plans[0].batch == 5
    train_system(Tiny(), recipe, plans, few, tmp_path, {}, seed=3, device=CPU)


class Pair(nn.Module):
    """Two branches that share nothing; the second one's gradients are far beyond the limit."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.mobilenet = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.BatchNorm2d(4), nn.ReLU())
        self.mobilenet_head = nn.Linear(4, 1)
        self.shufflenet = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.BatchNorm2d(4), nn.ReLU())
        self.shufflenet_head = nn.Linear(4, 1)
        with torch.no_grad():
            self.shufflenet_head.weight *= 1e3

    def branches(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first = self.mobilenet_head(self.mobilenet(pictures).mean(dim=(2, 3)))
        return first[:, 0], self.shufflenet_head(self.shufflenet(pictures).mean(dim=(2, 3)))[:, 0]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        first, second = self.branches(pictures)
        return (first + second) / 2


def test_branches_side_by_side_are_as_one_after_the_other(data: Data, tmp_path: Path) -> None:
    """ATHENAFace's: what one branch does, however wild, neither limits the other nor chooses its weights."""
    recipe = _small("athenaface")
    both, alone = Pair(), Pair()
    with torch.no_grad():  # as if it were alone: the second one's gradients are next to nothing
        alone.shufflenet_head.weight *= 1e-9
    stages = (replace(recipe.stages[0], rate=0.02, schedule=RateSchedule()),)
    recipe = replace(recipe, stages=stages)
    plans = plan_stages(recipe, data, steps=24, batch=4, validations=6)
    for network, name in ((both, "both"), (alone, "alone")):
        train_system(network, recipe, plans, data, tmp_path / name, {}, seed=3, device=CPU)
    assert _same(both.mobilenet, alone.mobilenet)
    assert _same(both.mobilenet_head, alone.mobilenet_head)
    assert not _same(both.mobilenet, Pair().mobilenet)
