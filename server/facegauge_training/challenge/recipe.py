"""The parts of a recipe: stages with their sizes, epochs and rates, the loss, the sampler, what is kept.

Values are frozen and checked when built. A recipe counts in epochs, as the report does; the program maps its
steps onto them, so that a shortened run goes through the same schedule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from facegauge_models.registry import Preprocessing

__all__ = ["Augmentation", "RateSchedule", "Recipe", "Stage"]

SHORT_WARM_UP = 0.05
"""Share of a shortened stage in which the rate rises."""
SLOW_FACTOR = 0.5
"""Steps by more leave something to learn with after dozens of them."""


@dataclass(frozen=True, slots=True)
class RateSchedule:
    """The factor of a stage's rate, epoch by epoch."""

    kind: Literal["constant", "step", "milestones", "cosine", "plateau"] = "constant"
    every: int = 0
    """Epochs of a step, of a falling half of the cosine (0: all of the stage), or of patience."""
    factor: float = 0.1
    milestones: tuple[float, ...] = ()
    """Shares of the stage at which the factor applies."""
    warm_up: int = 0
    """Epochs in which the rate rises linearly from a third."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ValueError: a step or a plateau without its epochs, or a factor that is none.
        """
        if self.kind in ("step", "plateau") and self.every < 1:
            raise ValueError(f"a {self.kind} schedule needs `every`")
        if not 0 < self.factor < 1:
            raise ValueError("factor must be within 0 and 1")

    def at(self, epoch: int, epochs: int) -> float:
        """Return the multiplier in an epoch, from 0, of a stage of so many (1 for a plateau)."""
        if epoch < self.warm_up:
            return 1 / 3 + 2 / 3 * epoch / self.warm_up
        if self.kind == "step":
            return self.factor ** (epoch // self.every)
        if self.kind == "milestones":
            return self.factor ** sum(epoch >= share * epochs for share in self.milestones)
        if self.kind == "cosine":
            period = self.every or max(1, epochs - self.warm_up)
            return 0.5 + 0.5 * math.cos(math.pi * (epoch - self.warm_up) / period)
        return 1.0

    def shortened(self, epochs: int) -> RateSchedule:
        """Return the same shape for a training a hundred times shorter than its stage of so many epochs.

        Tenfold falls every few epochs, or on a plateau, become two, at 50% and 80%; a cosine falls once; and
        the rate rises at first.
        """
        warm_up = max(1, round(SHORT_WARM_UP * epochs))
        if self.kind == "cosine":
            return replace(self, every=0, warm_up=warm_up)
        if self.kind == "plateau" or (self.kind == "step" and self.factor < SLOW_FACTOR):
            return RateSchedule("milestones", factor=self.factor, milestones=(0.5, 0.8), warm_up=warm_up)
        return replace(self, warm_up=warm_up)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random changes of a training picture, besides where it is cut."""

    flip: bool = False
    """Left and right, every second picture."""
    quarter_turns: bool = False
    """Turn the square that was cut by 0, 90, 180 or 270 degrees."""
    rotation: float = 0.0
    """Up to so many degrees either way."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training with its own size and rates."""

    epochs: int
    rate: float
    schedule: RateSchedule
    batch: int
    train: Preprocessing
    name: str = "training"
    extra: Literal["", "joined", "alone"] = ""
    """Whether another data set's rows are trained on too, or alone."""
    all_rows: bool = False
    """Whether the held-out rows are trained on too, as in MediaForensics' last stage."""
    frozen_epochs: int = 0
    """The backbone stands still for so many epochs."""
    backbone_rate: float = 1.0
    """The backbone's rate as a share of the head's."""
    average: bool = False
    """Whether the weights at the ends of this stage's epochs are averaged and kept (SWA)."""
    fixed_from: float = 1.0
    """Share of the steps after which batch normalisation uses the statistics of the test, estimated then, not
    each batch's own: 0 from the first, 1 never."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ValueError: nothing to train, or nothing to learn.
        """
        if self.extra and self.all_rows:
            raise ValueError(f"stage {self.name!r} has the extra rows or all of its own, not both")
        if not 0 <= self.fixed_from <= 1:
            raise ValueError(f"stage {self.name!r} fixes its statistics at {self.fixed_from}: a share of 0-1")
        if self.epochs < 1 or self.batch < 2 or self.rate <= 0 or self.frozen_epochs >= self.epochs:
            raise ValueError(
                f"stage {self.name!r} has no epochs, batches of one, no rate, or never unfreezes"
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one system is trained."""

    system: str
    section: str
    """Section of the report."""
    optimiser: Literal["adam", "adamw"]
    weight_decay: float
    loss: str
    """A name in `objective.LOSSES`."""
    stages: tuple[Stage, ...]
    silent: str
    """What the report does not state, and what is used here instead."""
    loss_options: dict[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = Augmentation()
    sampler: Literal["shuffled", "stratified", "tails"] = "shuffled"
    held_out: float = 0.1
    """Share of the rows (whole groups) that is not trained on but validated on."""
    keep: Literal["best", "last", "average"] = "best"
    """Which weights are the result: best by Score on the validation rows, the last, or the average."""
    extra_held_out: bool = False
    """Whether the same share of another data set is held out too, and validated on."""
    patience: int | None = None
    """End a stage after so many epochs without a better Score."""
    ssar: bool = False
    """Whether degraded copies are ranked below their originals."""
    branches: tuple[tuple[str, ...], ...] = ()
    """Prefixes of the parameters of an ensemble's branches, where each is trained as if it were alone, with
    its own loss, limit on the gradients and best weights. What has no such prefix is the first one's."""
    head: tuple[str, ...] = ()
    """Prefixes of the parameters that are not the backbone's, where a stage treats the two differently."""
    distillation: Literal["", "scores", "grades", "pseudo-labels"] = ""
    """What the student takes from a teacher: `--teacher`."""
    teacher: str = ""
    """The teacher's name in the zoo."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ValueError: no stages, an average that no stage makes, or a distillation without its teacher.
        """
        if not self.stages or not 0 < self.held_out < 1:
            raise ValueError(f"{self.system}: no stages, or nothing held out")
        if (self.keep == "average") != any(stage.average for stage in self.stages):
            raise ValueError(f"{self.system}: keeps an average that no stage makes, or makes one for nothing")
        if all(stage.extra == "alone" for stage in self.stages):
            raise ValueError(f"{self.system}: no stage trains on its own rows")
        if bool(self.distillation) != bool(self.teacher):
            raise ValueError(f"{self.system}: a teacher and what is taken from it go together")
        if not self.head and any(s.frozen_epochs or s.backbone_rate != 1.0 for s in self.stages):
            raise ValueError(
                f"{self.system}: a stage treats backbone and head differently, but `head` is empty"
            )

    def branch_of(self, name: str) -> int:
        """Return the number of the branch that a parameter or buffer belongs to, 0 without branches."""
        return next((n for n, own in enumerate(self.branches) if name.startswith(own)), 0)

    @property
    def takes_extra(self) -> bool:
        """Whether the team trained on another data set besides."""
        return any(stage.extra for stage in self.stages)

    def without_extra(self) -> Recipe:
        """Return the recipe for the challenge's rows alone: without the stages on others."""
        return replace(self, stages=tuple(stage for stage in self.stages if stage.extra != "alone"))
