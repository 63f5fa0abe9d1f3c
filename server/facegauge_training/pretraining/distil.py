"""The loop that trains a backbone to give a teacher's features. `distil` reads from top to bottom.

Patches at the photo's own scale first, then crops, in one cosine; AdamW; photos drawn so that a large
collection counts less than its size; an exponential average of the weights, which is the result. A checkpoint
a minute; a run that is started again goes on from it and ends with the weights it would have had.
"""

from __future__ import annotations

import copy
import math
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from facegauge_models.imagenet import Normalisation
from facegauge_training.common.average import follow
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import load_checkpoint, open_log, save_atomically, write_row
from facegauge_training.pretraining.backbones import Backbone, Stages
from facegauge_training.pretraining.matching import Losses, Matching, Targets
from facegauge_training.pretraining.target_store import TargetStore, held_out_photo

__all__ = ["BATCH", "Distilled", "Plan", "distil", "normalise"]

BATCH = 32
WARM_UP = 0.05
LOOKS, LOG_ROWS = 12, 300
"""Times that held-out views are compared, and rows of the log, in a training, at most."""
WATCHED_PAIRS = 96


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast a backbone learns."""

    samples: int
    """Views to learn from, `BATCH` at a time."""
    crop_share: float
    """Of them, in the end, that are crops rather than patches."""
    rate: float
    """Highest learning rate."""
    seed: int
    save_every_s: float = 60.0

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.samples // BATCH

    def rate_at(self, step: int) -> float:
        """Return the rate of a step: a linear rise, then half a cosine to (almost) 0."""
        share = step / self.steps
        return max(min(1.0, share / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * share)) * self.rate, 1e-6)

    def shows_crops(self, step: int) -> bool:
        """Return whether a step learns from crops."""
        return step >= self.steps - round(self.steps * self.crop_share)


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a training leaves."""

    weights: dict[str, torch.Tensor]
    losses: dict[str, float]
    """Relative errors of held-out crops."""


def normalise(pixels: torch.Tensor, normalisation: Normalisation) -> torch.Tensor:
    """Return pictures (n, 3, h, w) for a backbone, of pixels (n, h, w, 3), 0-255."""
    mean, deviation = (torch.tensor(values, device=pixels.device) * 255 for values in normalisation)
    return ((pixels.float() - mean) / deviation).permute(0, 3, 1, 2)


def distil(
    backbone: Backbone,
    patches: TargetStore,
    crops: TargetStore,
    folder: Path,
    plan: Plan,
    device: torch.device,
) -> Distilled:
    """Train a backbone in place, or go on where the folder's checkpoint is.

    Args:
        backbone: to be trained.
        patches: views that it learns from first.
        crops: views that it learns from in the end.
        folder: gets checkpoint.pt and log.jsonl.
        plan: how long and how fast. Samples and shares may differ from those that a checkpoint was made with:
            a run can be lengthened or cut short.
        device: to train on.

    Returns:
        The averaged weights.

    Raises:
        RecipeError: the loss is not finite, or the checkpoint is broken or another training's.
    """
    network = backbone.module.to(device).to(memory_format=torch.channels_last)
    stages = Stages(network)
    torch.manual_seed(plan.seed)
    matching = Matching(stages.strides, stages.widths, patches).to(device)
    average = copy.deepcopy(network).eval()
    average_stages = Stages(average)
    parameters = [*network.parameters(), *matching.parameters()]
    optimizer = torch.optim.AdamW([
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 1e-2},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ])  # fmt: skip
    identity = {
        "backbone": backbone.name, "rate": plan.rate, "seed": plan.seed, "patches": patches.identity,
        "crops": crops.identity,
    }  # fmt: skip
    parts: dict[str, Any] = {
        "network": network,
        "average": average,
        "matching": matching,
        "optimizer": optimizer,
    }
    checkpoint, log_path = folder / "checkpoint.pt", folder / "log.jsonl"
    step, length = 0, 0
    if (saved := load_checkpoint(checkpoint, identity, device)) is not None:
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        torch.set_rng_state(saved["rng"].cpu())
        step, length = int(saved["step"]), int(saved["log_length"])

    def save(written: int) -> None:
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        state |= {"identity": identity, "step": step, "log_length": written, "rng": torch.get_rng_state()}
        save_atomically(state, checkpoint)

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn()) as progress, open_log(log_path, length) as log:
        if step:
            progress.console.print(f"going on at step {step} of {plan.steps}")
        bar = progress.add_task(backbone.name, total=plan.steps, completed=step)
        saved_at, timed_at, timed_step = time.monotonic(), time.monotonic(), step
        recent: list[float] = []
        network.train()
        for pixels, targets in _batches(patches, crops, plan, step):
            for group in optimizer.param_groups:
                group["lr"] = plan.rate_at(step)
            maps = stages(normalise(pixels.to(device), backbone.normalisation))
            losses = matching(maps, _to(targets, device))
            if not torch.isfinite(losses.total):
                raise RecipeError(
                    f"The loss is not finite after {step} steps: delete {folder} and lower --rate."
                )
            optimizer.zero_grad(set_to_none=True)
            losses.total.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
            step += 1
            follow(average, network, min(0.998, (1 + step) / (10 + step)))
            recent = [*recent[-99:], losses.total.item()]
            progress.update(bar, completed=step, description=f"{backbone.name} {np.mean(recent):.3f}")
            looks = step % -(-plan.steps // LOOKS) == 0 or step == plan.steps
            if looks or step % -(-plan.steps // LOG_ROWS) == 0:
                row: dict[str, Any] = {
                    "step": step, "views": "crops" if plan.shows_crops(step - 1) else "patches",
                    "rate": plan.rate_at(step - 1), **_figures(losses),
                    "samples_a_s": round(BATCH * (step - timed_step) / (time.monotonic() - timed_at), 2),
                }  # fmt: skip
                if looks:
                    store = crops if plan.shows_crops(step - 1) else patches
                    watched = _held_out_losses(
                        average_stages, matching, store, backbone.normalisation, device
                    )
                    row |= {f"held_out_{name}": value for name, value in watched.items()}
                    progress.console.print(row)
                write_row(log, row)
                timed_at, timed_step = time.monotonic(), step
            if time.monotonic() - saved_at > plan.save_every_s or step == plan.steps:
                save(log.tell())
                saved_at = time.monotonic()
    final = _held_out_losses(average_stages, matching, crops, backbone.normalisation, device)
    return Distilled(average_stages.used_state(), final)


def _batches(
    patches: TargetStore, crops: TargetStore, plan: Plan, start: int
) -> Iterator[tuple[torch.Tensor, Targets]]:
    """Yield the pixels and targets of each step from `start` on, made in a thread, ahead."""
    chances = {store.kind.name: _chances(store) for store in (patches, crops)}

    def make(step: int) -> tuple[torch.Tensor, Targets]:
        store = crops if plan.shows_crops(step) else patches
        rng = np.random.default_rng([plan.seed, step])
        pairs = rng.choice(store.pairs, BATCH // 2, p=chances[store.kind.name])
        return _read(store, pairs, rng.random(BATCH // 2) < 0.5)

    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(make, start)
        for step in range(start, plan.steps):
            ready = coming.result()
            if step + 1 < plan.steps:
                coming = ahead.submit(make, step + 1)
            yield ready


def _chances(store: TargetStore) -> npt.NDArray[np.float64]:
    """Return each pair's chance to be drawn: 0 if held out, else by the root of its collection's size."""
    sizes = Counter(store.names)
    weight = [
        0.0 if held_out_photo(k) else sizes[n] ** -0.5 for k, n in zip(store.keys, store.names, strict=True)
    ]
    if not any(weight):
        raise RecipeError("No photo is left to train on: give more photos.")
    chances = np.repeat(np.array(weight), store.pairs_a_photo)
    return chances / chances.sum()


def _read(
    store: TargetStore, pairs: npt.NDArray[np.int64], flipped: npt.NDArray[np.bool_]
) -> tuple[torch.Tensor, Targets]:
    """Return the views of pairs and what the teacher says of them; those of a flipped pair are mirrored."""
    views = np.stack((2 * pairs, 2 * pairs + 1), axis=1).ravel()
    mirror = np.repeat(flipped, 2)
    pixels = store.pixels[views]
    pixels[mirror] = pixels[mirror, :, ::-1]
    maps = {}
    for stride, kept in store.answers.maps.items():
        found = kept[views].astype(np.float32)
        found[mirror] = found[mirror][..., ::-1]
        maps[stride] = torch.from_numpy(found)
    known = torch.from_numpy(store.answers.statistics[views].astype(np.float32))
    return torch.from_numpy(pixels), Targets(known, maps)


@torch.no_grad()
def _held_out_losses(
    stages: Stages, matching: Matching, store: TargetStore, normalisation: Normalisation, device: torch.device
) -> dict[str, float]:
    """Return the mean losses of held-out pairs; {} if no photo is held out."""
    held = [n for n, key in enumerate(store.keys) if held_out_photo(key)]
    pairs = np.array([n * store.pairs_a_photo for n in held][:WATCHED_PAIRS])
    matching.eval()
    parts = []
    for at in range(0, len(pairs), BATCH // 2):
        chosen = pairs[at : at + BATCH // 2]
        pixels, targets = _read(store, chosen, np.zeros(len(chosen), bool))
        losses = matching(stages(normalise(pixels.to(device), normalisation)), _to(targets, device))
        parts += [_figures(losses)] * len(chosen)
    matching.train()
    return (
        {name: round(float(np.mean([part[name] for part in parts])), 5) for name in parts[0]} if parts else {}
    )


def _figures(losses: Losses) -> dict[str, float]:
    named = {
        "loss": losses.total,
        "statistics": losses.statistics,
        "maps": losses.maps,
        "pairs": losses.pairs,
    }
    return {name: round(value.item(), 5) for name, value in named.items()}


def _to(targets: Targets, device: torch.device) -> Targets:
    return Targets(targets.statistics.to(device), {s: found.to(device) for s, found in targets.maps.items()})
