"""Batches of a stage, prefetched in a thread; each a pure function of seed, stage and step.

A resumed run thus needs no sampler's state.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from facegauge_training.challenge.degrade import degrade
from facegauge_training.challenge.objective import PictureBatch
from facegauge_training.challenge.pictures import Rows
from facegauge_training.challenge.prepare import by_size, prepare
from facegauge_training.challenge.recipe import Recipe, Stage
from facegauge_training.challenge.samplers import SAMPLERS
from facegauge_training.challenge.splits import Data
from facegauge_training.common.errors import RecipeError

__all__ = ["StagePlan", "picture_batches", "plan_stages"]

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage with the steps that this run gives it."""

    number: int
    stage: Stage
    batch: int
    steps: int
    per_pass: int
    """Steps in which every row that the sampler chose is seen once."""
    validations: int
    """How often the validation rows are scored."""

    def epoch(self, step: int) -> int:
        """Return the recipe's epoch, from 0, in which a step lies."""
        return min(self.stage.epochs - 1, step * self.stage.epochs // self.steps)

    def fixed(self, step: int) -> bool:
        """Return whether a step, from 0, is taken with fixed statistics of batch normalisation."""
        return self.stage.fixed_from * self.steps <= step < self.steps


def plan_stages(
    recipe: Recipe,
    data: Data,
    budget: float = 1.0,
    steps: int | None = None,
    batch: int | None = None,
    validations: int = 8,
) -> list[StagePlan]:
    """Divide the steps among a recipe's stages.

    Args:
        recipe: the system's.
        data: the rows of each stage.
        budget: share of the recipe's steps.
        steps: total over all stages, instead of the recipe's number.
        batch: pictures a step, instead of the recipe's.
        validations: most validations a stage, where the run is shortened.

    Raises:
        RecipeError: a stage would have less than two steps.
    """
    full, sizes, passes = [], [], []
    for stage in recipe.stages:
        rows = data.of(stage)
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
    validated = [
        stage.epochs if steps is None and budget == 1 else min(stage.epochs, validations, n)
        for stage, n in zip(recipe.stages, given, strict=True)
    ]
    return [
        StagePlan(i, *parts)
        for i, parts in enumerate(zip(recipe.stages, sizes, given, passes, validated, strict=True))
    ]


def picture_batches(
    pictures: Rows,
    recipe: Recipe,
    plan: StagePlan,
    seed: int,
    start: int = 0,
    device: torch.device = CPU,
) -> Iterator[PictureBatch]:
    """Yield a stage's batches on a device, from the step `start` on, for ever."""
    with ThreadPoolExecutor(1) as ahead:
        step = start
        coming = ahead.submit(_batch, pictures, recipe, plan, seed, step, device)
        while True:
            ready = coming.result()
            step += 1
            coming = ahead.submit(_batch, pictures, recipe, plan, seed, step, device)
            yield ready


def _batch(
    pictures: Rows, recipe: Recipe, plan: StagePlan, seed: int, step: int, device: torch.device
) -> PictureBatch:
    sampler = SAMPLERS[recipe.sampler]
    order = sampler(pictures.scores, np.random.default_rng([seed, plan.number, step // plan.per_pass]))
    at = (step % plan.per_pass) * plan.batch
    rows = np.array(order[at : at + plan.batch])
    read = [pictures[int(i)] for i in rows]
    inputs, worse, severities, places = [], [], [], []
    for group, (numbers, stack) in enumerate(by_size(read)):
        pixels = torch.from_numpy(stack).to(device)
        draws = [seed, plan.number, step, group]  # the copies are cut where their originals are
        inputs.append(prepare(pixels, plan.stage.train, np.random.default_rng(draws), recipe.augmentation))
        if recipe.ssar:
            copies, severity = degrade(pixels, np.random.default_rng([*draws, 1]))
            rng = np.random.default_rng(draws)
            worse.append(prepare(copies, plan.stage.train, rng, recipe.augmentation))
            severities.append(severity)
        places += numbers
    rows = rows[places]
    return PictureBatch(
        tuple(int(i) for i in rows),
        torch.cat(inputs),
        torch.from_numpy(pictures.scores[rows]).to(device),
        torch.cat(worse) if worse else None,
        torch.cat(severities) if worse else None,
    )
