"""Batches of a stage, made in a thread, ahead; each a pure function of seed, stage and step.

So a resumed run needs no sampler's state: it asks for the step where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from facegauge_training.challenge.objective import Shown
from facegauge_training.challenge.pictures import Pictures
from facegauge_training.challenge.prepare import degrade, prepare
from facegauge_training.challenge.recipe import Recipe, Stage
from facegauge_training.challenge.samplers import SAMPLERS
from facegauge_training.common.errors import RecipeError

__all__ = ["Plan", "batches", "plan_stages"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A stage with the steps that this run gives it."""

    number: int
    stage: Stage
    batch: int
    steps: int
    per_pass: int
    """Steps in which every row that the sampler chose is seen once."""
    looks: int
    """How often the watched rows are scored."""

    def epoch(self, step: int) -> int:
        """Return the recipe's epoch, from 0, in which a step lies."""
        return min(self.stage.epochs - 1, step * self.stage.epochs // self.steps)


def plan_stages(
    recipe: Recipe,
    train: Pictures,
    everything: Pictures,
    budget: float = 1.0,
    steps: int | None = None,
    batch: int | None = None,
    looks: int = 8,
) -> list[Plan]:
    """Share out the steps among a recipe's stages.

    Args:
        recipe: of the system.
        train: rows that are not held out.
        everything: all rows, for stages that train on them.
        budget: share of the recipe's steps.
        steps: of all stages together, instead of the recipe's number.
        batch: pictures a step, instead of the recipe's.
        looks: most looks a stage at the watched rows, where the run is shortened.

    Raises:
        RecipeError: a stage would have less than two steps.
    """
    full, sizes, passes = [], [], []
    for stage in recipe.stages:
        rows = everything if stage.all_rows else train
        order = SAMPLERS[recipe.sampler](rows.scores, np.random.default_rng(0))
        sizes.append(min(batch or stage.batch, len(order)))
        passes.append(max(1, len(order) // sizes[-1]))
        full.append(stage.epochs * passes[-1])
    share = budget if steps is None else steps / sum(full)
    given = [max(1, round(n * share)) for n in full]
    if steps is not None:
        given[-1] = steps - sum(given[:-1])
    if min(given) < 2:
        raise RecipeError(
            f"{recipe.system} has {len(full)} stages and {sum(full)} steps at full length: so little leaves "
            f"{max(0, min(given))} to one of them. Give a larger --budget or more --steps."
        )
    looked = [
        stage.epochs if steps is None and budget == 1 else min(stage.epochs, looks, n)
        for stage, n in zip(recipe.stages, given, strict=True)
    ]
    return [
        Plan(i, *parts)
        for i, parts in enumerate(zip(recipe.stages, sizes, given, passes, looked, strict=True))
    ]


def batches(pictures: Pictures, recipe: Recipe, plan: Plan, seed: int, start: int = 0) -> Iterator[Shown]:
    """Yield a stage's batches, from the step `start` on, for ever."""
    with ThreadPoolExecutor(1) as ahead:
        step = start
        coming = ahead.submit(_batch, pictures, recipe, plan, seed, step)
        while True:
            ready = coming.result()
            step += 1
            coming = ahead.submit(_batch, pictures, recipe, plan, seed, step)
            yield ready


def _batch(pictures: Pictures, recipe: Recipe, plan: Plan, seed: int, step: int) -> Shown:
    sampler = SAMPLERS[recipe.sampler]
    order = sampler(pictures.scores, np.random.default_rng([seed, plan.number, step // plan.per_pass]))
    at = (step % plan.per_pass) * plan.batch
    rows = [int(i) for i in order[at : at + plan.batch]]
    rng = np.random.default_rng([seed, plan.number, step, 1])
    inputs: list[npt.NDArray[np.float32]] = []
    worse: list[npt.NDArray[np.float32]] = []
    severities: list[float] = []
    for i in rows:
        picture = pictures[i]
        seen = [seed, plan.number, step, 2, len(inputs)]  # the copy is cut where its original is
        inputs.append(prepare(picture, plan.stage.train, np.random.default_rng(seen), recipe.augmentation))
        if recipe.ssar:
            copy, severity = degrade(picture, rng)
            worse.append(prepare(copy, plan.stage.train, np.random.default_rng(seen), recipe.augmentation))
            severities.append(severity)
    return Shown(
        tuple(rows),
        torch.from_numpy(np.stack(inputs)),
        torch.from_numpy(pictures.scores[rows]),
        torch.from_numpy(np.stack(worse)) if worse else None,
        torch.tensor(severities, dtype=torch.float32) if worse else None,
    )
