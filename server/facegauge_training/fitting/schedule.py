"""What the training loop keeps beside the network: its schedule, AdamW's groups, the average, checkpoints."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError
from facegauge_training.fitting.distillation import Distillation

__all__ = ["BATCH", "Schedule", "Stage", "follow", "load_parts", "parameter_groups"]

BATCH = 32
WARM_UP = 0.05


class Stage(NamedTuple):
    """A part of a training."""

    name: str
    end_step: int
    patch: float
    """Share of the crops' height and width that is shown."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast a network learns."""

    samples: int
    """Crops and patches to see, `BATCH` at a time."""
    patch_share: float
    """Share of the samples that are patches of two thirds."""
    rate: float
    """Highest learning rate."""
    seed: int
    order_weight: float = 0.1
    """Of the order within a clip, beside 1 for MSE + PLCC."""
    backbone_rate: float = 1.0
    """The backbone's rate as a share of the head's: little for one that knows ImageNet already."""
    save_every_s: float = 60.0
    """Seconds between checkpoints."""
    small_share: float = 0.0
    """Share of the samples, before all others, that are patches of a third."""

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.samples // BATCH

    def stages(self) -> tuple[Stage, ...]:
        """Return the sizes in their order, each with the step where it ends."""
        small, patches = round(self.steps * self.small_share), round(self.steps * self.patch_share)
        return (
            Stage("small patches", small, 1 / 3),
            Stage("patches", small + patches, 2 / 3),
            Stage("whole crops", self.steps, 1.0),
        )

    def rate_at(self, step: int) -> float:
        """Return the rate of a step: a linear rise, then half a cosine to (almost) 0."""
        share = step / self.steps
        return max(min(1.0, share / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * share)) * self.rate, 1e-6)


@torch.no_grad()
def follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    """Move the average's weights and statistics a step of 1 - `keep` towards the network's."""
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - keep)
        else:
            kept.copy_(new)


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


def load_parts(path: Path, parts: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Put a checkpoint's states into the parts and return it, {} if there is none.

    Raises:
        RecipeError: the file is broken, or belongs to another network.
    """
    if not path.is_file():
        return {}
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        for name, part in parts.items():
            if part is not None:
                part.load_state_dict(saved[name])
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(
            f"{path} is broken or another network's ({str(error)[:200]}): give the same settings to go on, "
            "or another --run."
        ) from error
    if "rng" in saved:
        torch.set_rng_state(saved["rng"].cpu())
    return saved
