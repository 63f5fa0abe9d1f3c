"""Train a backbone to give a teacher's features: the task that the training loop works on.

Patches at the photo's own scale first, then crops, in one cosine; at the end with the statistics that the
result will have; AdamW; an exponential average of the weights, which is the result.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from facegauge_models.preparation import normalised, planes
from facegauge_training.common.average import follow
from facegauge_training.common.batch_statistics import (
    copy_statistics,
    estimate_statistics,
    fix_statistics,
)
from facegauge_training.common.loop import train
from facegauge_training.pretraining.backbones import Backbone, Stages
from facegauge_training.pretraining.matching import Losses, Matching, Targets
from facegauge_training.pretraining.plan import BATCH, Plan
from facegauge_training.pretraining.target_store import TargetStore, held_out_photo
from facegauge_training.pretraining.view_batches import read_pixels, read_views, to_device, view_batches

__all__ = ["Distilled", "distil"]

LOOKS = 12
"""Times that held-out views are compared in a training, at most."""
WATCHED_PAIRS = 96
STATISTICS_PAIRS = 128


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a training leaves."""

    weights: dict[str, torch.Tensor]
    losses: dict[str, float]
    """Relative errors of held-out crops."""


def distil(
    backbone: Backbone,
    patches: TargetStore,
    crops: TargetStore,
    folder: Path,
    plan: Plan,
    device: torch.device,
) -> Distilled:
    """Train a backbone in place, or resume where the folder's checkpoint is.

    Args:
        backbone: to be trained.
        patches: views that it learns from first.
        crops: views that it learns from in the end.
        folder: gets run.lock, checkpoint.pt and log.jsonl.
        plan: how long and how fast. Samples and shares may differ from those that a checkpoint was made with:
            a run can be lengthened or cut short.
        device: to train on.

    Returns:
        The averaged weights.

    Raises:
        RecipeError: the loss is not finite, the checkpoint is broken or another training's, or another
            process trains in the folder.
    """
    task = _Distillation(backbone, patches, crops, plan, device, f"delete {folder} and lower --rate")
    identity = {
        "backbone": backbone.name, "rate": plan.rate, "seed": plan.seed, "patches": patches.identity,
        "crops": crops.identity,
    }  # fmt: skip
    train(task, folder, identity, device, save_every_s=plan.save_every_s)
    losses = task.held_out_losses(crops)  # estimates the statistics, if they are not fixed
    return Distilled(task.average_stages.used_state(), losses)


class _Distillation:
    """The steps of a pretraining, as `common.loop.train` calls them."""

    def __init__(
        self,
        backbone: Backbone,
        patches: TargetStore,
        crops: TargetStore,
        plan: Plan,
        device: torch.device,
        advice: str,
    ) -> None:
        self.name, self.advice = backbone.name, advice
        self.step, self.total_steps = 0, plan.steps
        trained = backbone.module.to(device).to(memory_format=torch.channels_last)
        self._stages = Stages(trained)
        torch.manual_seed(plan.seed)
        self._matching = Matching(self._stages.strides, self._stages.widths, patches).to(device)
        self.network = nn.ModuleDict({"backbone": trained, "matching": self._matching})
        self._average = copy.deepcopy(trained).eval()
        self.average_stages = Stages(self._average)
        parameters = list(self.network.parameters())
        self.optimizer = torch.optim.AdamW([
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 1e-2},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ])  # fmt: skip
        self._plan, self._device, self._normalisation = plan, device, backbone.normalisation
        self._patches, self._crops = patches, crops
        self._last: Losses | None = None

    @property
    def clipped(self) -> list[Iterator[nn.Parameter]]:
        return [self.network.parameters()]

    @property
    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "average": self._average, "optimizer": self.optimizer}

    def state(self) -> dict[str, Any]:
        return {"step": self.step, **{name: part.state_dict() for name, part in self._parts.items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        self.step = int(state["step"])

    def batches(self) -> Iterator[tuple[torch.Tensor, Targets]]:
        for batch in view_batches(self._patches, self._crops, self._plan, self.step):
            if self._plan.fixed(self.step) and not self._plan.fixed(self.step - 1):
                trained = self.network["backbone"]
                self._estimate_statistics(trained, self._stages, self._crops)
                copy_statistics(trained, self._average)
            yield batch

    def loss(self, batch: tuple[torch.Tensor, Targets]) -> torch.Tensor:
        pixels, targets = batch
        if self._plan.fixed(self.step):
            fix_statistics(self.network["backbone"])
        for group in self.optimizer.param_groups:
            group["lr"] = self._plan.rate_at(self.step)
        maps = self._stages(self._inputs(pixels))
        losses: Losses = self._matching(maps, to_device(targets, self._device))
        self._last = losses.detach()
        return losses.total

    def _inputs(self, pixels: torch.Tensor) -> torch.Tensor:
        return normalised(planes(pixels.to(self._device)), self._normalisation)

    def advance(self) -> None:
        self.step += 1
        trained = self.network["backbone"]
        follow(self._average, trained, min(0.998, (1 + self.step) / (10 + self.step)))

    def describe(self) -> dict[str, Any]:
        views = "crops" if self._plan.shows_crops(self.step - 1) else "patches"
        figures = _figures(self._last) if self._last else {}
        parts = {name: value for name, value in figures.items() if name != "loss"}
        return {"views": views, "rate": self._plan.rate_at(self.step - 1), **parts}

    def validate(self) -> dict[str, Any] | None:
        if self.step % -(-self.total_steps // LOOKS) and self.step != self.total_steps:
            return None
        store = self._crops if self._plan.shows_crops(self.step - 1) else self._patches
        return {f"held_out_{name}": value for name, value in self.held_out_losses(store).items()}

    def _estimate_statistics(self, network: nn.Module, stages: Stages, store: TargetStore) -> None:
        known = [n for n, key in enumerate(store.keys) if not held_out_photo(key)]
        pairs = np.random.default_rng(self._plan.seed).permutation(known)[:STATISTICS_PAIRS]
        chunks = (
            pairs[at : at + BATCH // 2] * store.pairs_a_photo for at in range(0, len(pairs), BATCH // 2)
        )
        batches = (self._inputs(torch.from_numpy(read_pixels(store, chunk))) for chunk in chunks)
        estimate_statistics(network, batches, stages)

    @torch.no_grad()
    def held_out_losses(self, store: TargetStore) -> dict[str, float]:
        """Return the average's mean losses of held-out pairs; {} if no photo is held out.

        Its statistics of batch normalisation, where they are not fixed, are estimated on other views of the
        store before.
        """
        if not self._plan.fixed(self.step - 1):
            self._estimate_statistics(self._average, self.average_stages, store)
        held = [n for n, key in enumerate(store.keys) if held_out_photo(key)]
        pairs = np.array([n * store.pairs_a_photo for n in held][:WATCHED_PAIRS])
        self._matching.eval()
        parts = []
        for at in range(0, len(pairs), BATCH // 2):
            chosen = pairs[at : at + BATCH // 2]
            pixels, targets = read_views(store, chosen, np.zeros(len(chosen), bool))
            maps = self.average_stages(self._inputs(pixels))
            parts += [_figures(self._matching(maps, to_device(targets, self._device)))] * len(chosen)
        self._matching.train()
        means = {name: float(np.mean([part[name] for part in parts])) for name in parts[0]} if parts else {}
        return {name: round(value, 5) for name, value in means.items()}


def _figures(losses: Losses) -> dict[str, float]:
    named = {
        "loss": losses.total,
        "statistics": losses.statistics,
        "maps": losses.maps,
        "pairs": losses.pairs,
    }
    return {name: round(value.item(), 5) for name, value in named.items()}
