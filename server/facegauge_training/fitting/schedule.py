"""What a training on labelled crops has besides the network: its schedule, AdamW's groups, the average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from facegauge_models.students import FaceStudent
from facegauge_training.fitting.teacher_loss import Distillation

__all__ = ["BATCH", "PatchStage", "Schedule", "parameter_groups"]

BATCH = 32
"""Crops a step on a CPU."""
WARM_UP = 0.05


class PatchStage(NamedTuple):
    """A part of a training."""

    name: str
    end_step: int
    patch: float
    """Share of the crops' height and width that is shown."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast a network learns."""

    samples: int
    """Crops and patches to see, `batch` at a time."""
    patch_share: float
    """Share of the samples that are patches of two thirds."""
    rate: float
    """Highest learning rate."""
    seed: int
    order_weight: float = 0.1
    """Weight of the order within a clip; MSE + PLCC has 1."""
    backbone_rate: float = 1.0
    """The backbone's rate as a share of the head's: small for one that starts from ImageNet."""
    save_every_s: float = 60.0
    """Seconds between checkpoints."""
    small_share: float = 0.0
    """Share of the samples, before all others, that are patches of a third."""
    batch: int = BATCH
    """Crops a step; more on a GPU."""

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.samples // self.batch

    def stages(self) -> tuple[PatchStage, ...]:
        """Return the sizes in their order, each with the step where it ends."""
        small, patches = round(self.steps * self.small_share), round(self.steps * self.patch_share)
        return (
            PatchStage("small patches", small, 1 / 3),
            PatchStage("patches", small + patches, 2 / 3),
            PatchStage("whole crops", self.steps, 1.0),
        )

    def rate_at(self, step: int) -> float:
        """Return the rate of a step: a linear rise, then half a cosine to (almost) 0."""
        share = step / self.steps
        return max(min(1.0, share / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * share)) * self.rate, 1e-6)


def parameter_groups(
    network: FaceStudent, distillation: Distillation | None, backbone_rate: float
) -> list[dict[str, Any]]:
    """Return AdamW's groups: matrices decay, vectors do not; the backbone's rate may be lower."""
    known = dict(network.named_parameters())
    slow = {n for n in known if n.startswith("backbone.")} if backbone_rate != 1.0 else set()
    groups = []
    for names, share in ((known.keys() - slow, 1.0), (slow, backbone_rate)):
        mine = [p for n, p in known.items() if n in names]
        for decay, of in ((1e-2, [p for p in mine if p.ndim >= 2]), (0.0, [p for p in mine if p.ndim < 2])):
            if of:
                groups.append({"params": of, "weight_decay": decay, "share": share})
    learnt = list(distillation.parameters()) if distillation else []
    return groups + ([{"params": learnt, "weight_decay": 1e-2, "share": 1.0}] if learnt else [])
