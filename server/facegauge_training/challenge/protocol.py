"""The protocol of Table 1: what is alike for all systems, and how a team's recipe is shortened to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from facegauge_training.challenge.recipe import Recipe

__all__ = ["LEAST_RATE", "Protocol", "schedule_of", "shortened"]

LEAST_RATE = 5e-4
"""Least rate of the first stage: the commonest of the teams' own. Some took 1e-4 and less, for fifty epochs
from ImageNet's weights; a training a tenth as long from weaker ones does not leave its beginning so."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How every system is trained."""

    cache: Path
    """Folder with the stores of labelled crops."""
    folder: Path
    """Gets a folder for each system."""
    samples: int
    """Pictures that each system sees, `batch` at a time."""
    batch: int = 32
    """Pictures a step; with fewer a correlation over a batch is noise."""
    seed: int = 1
    teacher: Path | None = None
    """File of a teacher, for the systems that distil or learn from pseudo-labels."""
    faces: Path | None = None
    """Folder with photos of the split `natural`, which the teacher labels."""
    backbones: Path | None = None
    """Folder of pretrained backbones, NAME/backbone.pt."""
    least_rate: float = LEAST_RATE
    """See there."""
    threads: int = 1
    """CPU threads of a training."""


def shortened(recipe: Recipe, least_rate: float = LEAST_RATE) -> Recipe:
    """Return a recipe for a short training: schedules of the same shape, rates times what lifts the first."""
    factor = max(1.0, least_rate / recipe.stages[0].rate)
    stages = tuple(
        replace(stage, rate=stage.rate * factor, schedule=stage.schedule.shortened(stage.epochs))
        for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


def schedule_of(recipe: Recipe) -> str:
    """Return what the rates of a shortened recipe do, in a word."""
    return f"its own shape, shortened, from {recipe.stages[0].rate:g}"
