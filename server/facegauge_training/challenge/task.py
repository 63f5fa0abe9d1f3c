"""Train any system of the challenge by its recipe: what the training loop does at each of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import facegauge_models
from facegauge_training.challenge.batch_statistics import estimate_statistics
from facegauge_training.challenge.batches import StagePlan, picture_batches
from facegauge_training.challenge.objective import Objective, PictureBatch
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.predict import predict_pictures
from facegauge_training.challenge.recipe import Recipe
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.teacher import Teacher
from facegauge_training.challenge.weight_keeper import Keeper, optimiser_for, set_frozen, set_rates
from facegauge_training.common.batch_statistics import fix_statistics
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.loop import train
from facegauge_training.common.metrics import validation_metrics

__all__ = ["train_system"]

STATISTICS_ROWS = 256
"""Pictures that the statistics of batch normalisation are estimated on."""


def train_system(
    network: Any,
    recipe: Recipe,
    plans: list[StagePlan],
    data: Data,
    folder: Path,
    identity: dict[str, Any],
    *,
    seed: int,
    device: torch.device,
    teacher: Teacher | None = None,
    save_every_s: float = 60.0,
) -> dict[str, Any]:
    """Train a network in place, or resume from the folder's checkpoint.

    Args:
        network: of the recipe's system.
        recipe: says how.
        plans: its stages with their steps.
        data: rows to train on and to validate on.
        folder: gets run.lock, checkpoint.pt and log.jsonl.
        identity: settings that a resumed run must share.
        seed: decides the order, the cuts and what torch draws.
        device: to train on.
        teacher: for recipes that distil; None leaves that part of the loss out.
        save_every_s: seconds between checkpoints; 0 saves after every step.

    Returns:
        The loss of the first and of the last tenth of the steps, and the last metrics on the validation rows.

    Raises:
        RecipeError: the loss is not finite, the checkpoint is another training's, or another process trains
            in the folder.
    """
    torch.manual_seed(seed)
    network.to(device).to(memory_format=torch.channels_last)
    task = _SystemTask(network, recipe, plans, data, seed, device, teacher)
    losses = train(task, folder, identity, device, save_every_s=save_every_s)
    tenth = max(1, len(losses) // 10)
    return {
        "first_loss": float(np.mean(losses[:tenth])),
        "last_loss": float(np.mean(losses[-tenth:])),
        "validation_trained_on": any(plan.stage.all_rows for plan in plans),
        **task.metrics(),
    }


class _SystemTask:
    """The steps of a recipe's stages, as `common.loop.train` calls them."""

    advice = "start anew with another --seed or from other weights (--pretrained, --start-from)"

    def __init__(
        self,
        network: Any,
        recipe: Recipe,
        plans: list[StagePlan],
        data: Data,
        seed: int,
        device: torch.device,
        teacher: Teacher | None,
    ) -> None:
        self.name = recipe.system
        self.network = network
        self.optimizer = optimiser_for(network, recipe, plans[0].stage)
        self.total_steps = sum(plan.steps for plan in plans)
        self._recipe, self._plans, self._data = recipe, plans, data
        self._seed, self._device, self._teacher = seed, device, teacher
        self._model = facegauge_models.info(recipe.system)
        self._objective = Objective(recipe).to(device)
        self._keepers = [Keeper(recipe, branch) for branch in range(max(1, len(recipe.branches)))]
        self._stage, self._stage_step = 0, 0
        self._epoch, self._rate = 0, 0.0  # of the step being taken

    @property
    def step(self) -> int:
        return sum(plan.steps for plan in self._plans[: self._stage]) + self._stage_step

    @property
    def _plan(self) -> StagePlan:
        return self._plans[self._stage]

    @property
    def _rows(self) -> Rows:
        return self._data.of(self._plan.stage)

    @property
    def clipped(self) -> list[list[nn.Parameter]]:
        groups: list[list[nn.Parameter]] = [[] for _ in self._keepers]
        for name, parameter in self.network.named_parameters():
            groups[self._recipe.branch_of(name)].append(parameter)
        return groups

    def state(self) -> dict[str, Any]:
        return {
            "stage": self._stage,
            "stage_step": self._stage_step,
            "network": self.network.state_dict(),
            "keepers": [keeper.state() for keeper in self._keepers],
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self._stage, self._stage_step = state["stage"], state["stage_step"]
        try:
            self.network.load_state_dict(state["network"])
            for keeper, kept in zip(self._keepers, state["keepers"], strict=True):
                keeper.load(kept)
            if self._stage < len(self._plans):
                self.optimizer = optimiser_for(self.network, self._recipe, self._plan.stage)
                self.optimizer.load_state_dict(state["optimizer"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise RecipeError(
                f"The checkpoint is of another network ({str(error)[:200]}): give another --run."
            ) from error

    def batches(self) -> Iterator[PictureBatch]:
        while self._stage < len(self._plans):
            plan = self._plan
            if not self._stage_is_over():
                for batch in picture_batches(
                    self._rows, self._recipe, plan, self._seed, self._stage_step, self._device
                ):
                    if plan.fixed(self._stage_step):
                        self._estimate_statistics()
                    yield batch
                    if self._stage_is_over():
                        break
            for keeper in self._keepers:  # the next stage starts from the best of this one
                keeper.finish(self.network, plan.stage)
            self._estimate_statistics()
            self._stage, self._stage_step = self._stage + 1, 0
            if self._stage < len(self._plans):
                self.optimizer = optimiser_for(self.network, self._recipe, self._plan.stage)

    def _stage_is_over(self) -> bool:
        step = self._stage_step
        epoch = self._plan.epoch(step)
        return step == self._plan.steps or all(keeper.gave_up(epoch) for keeper in self._keepers)

    def loss(self, batch: PictureBatch) -> torch.Tensor:
        plan = self._plan
        self._epoch = plan.epoch(self._stage_step)
        set_frozen(self.network, self._recipe, frozen=self._epoch < plan.stage.frozen_epochs)
        if plan.fixed(self._stage_step):
            fix_statistics(self.network)
        share = plan.stage.schedule.at(self._epoch, plan.stage.epochs)
        self._rate = plan.stage.rate * share * self._keepers[0].multiplier
        set_rates(self.optimizer, plan.stage, self._rate)
        outputs = self._teacher.predict(self._rows, batch.rows) if self._teacher is not None else None
        with torch.autocast(self._device.type, torch.bfloat16, self._device.type == "cuda"):
            loss: torch.Tensor = self._objective(self.network, batch, outputs)
        return loss

    def advance(self) -> None:
        self._stage_step += 1
        plan = self._plan
        epoch_ends = self._stage_step == plan.steps or plan.epoch(self._stage_step) > self._epoch
        if epoch_ends and plan.stage.average:
            for keeper in self._keepers:
                keeper.average(self.network)

    def describe(self) -> dict[str, Any]:
        return {"stage": self._stage, "epoch": self._epoch, "rate": self._rate}

    def validate(self) -> dict[str, Any] | None:
        plan, step = self._plan, self._stage_step
        if step * plan.validations // plan.steps == (step - 1) * plan.validations // plan.steps:
            return None
        self._estimate_statistics()
        metrics = self.metrics()
        for branch, keeper in enumerate(self._keepers):
            own = self.metrics(branch)["score"] if self._recipe.branches else metrics["score"]
            keeper.note(self.network, own, self._epoch, plan.stage)
        return metrics | ({"validation_trained_on": True} if plan.stage.all_rows else {})

    def _estimate_statistics(self) -> None:
        if self._plan.fixed(self._stage_step - 1):
            return
        rows = self._data.train
        chosen = np.random.default_rng(self._seed).permutation(len(rows))[:STATISTICS_ROWS]
        estimate_statistics(self.network, self._model.test, rows.take(chosen), self._device)

    def metrics(self, branch: int | None = None) -> dict[str, Any]:
        """Return the metrics on the validation rows as of now, of the network or one of its branches."""
        validation = self._data.validation
        network = self.network if branch is None else _Branch(self.network, branch)
        scores = predict_pictures(network, self._model.test, validation, self._device)
        return dict(validation_metrics(scores, validation.scores.astype(np.float64)))


class _Branch(nn.Module):
    """One branch of an ensemble as a network of its own."""

    def __init__(self, network: Any, number: int) -> None:
        super().__init__()
        self.network, self._number = network, number

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.network.branches(pictures)[self._number]
        return scores
