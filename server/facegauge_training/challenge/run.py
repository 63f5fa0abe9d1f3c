"""Train one system on rows, wherever they come from, and leave its weights and its log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import facegauge_models
from facegauge_models.sfiqa import SFIQA
from facegauge_training.challenge.batch_statistics import estimate_statistics
from facegauge_training.challenge.batches import StagePlan
from facegauge_training.challenge.head_start import start_head
from facegauge_training.challenge.key_points import find_patches
from facegauge_training.challenge.recipe import Recipe
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.task import STATISTICS_ROWS, train_system
from facegauge_training.challenge.teacher import Teacher
from facegauge_training.challenge.weights import save_network
from facegauge_training.common.run_files import logged_seconds

__all__ = ["Run", "train_run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one system."""

    recipe: Recipe
    plans: list[StagePlan]
    data: Data
    folder: Path
    """Gets model.pt, log.jsonl and the checkpoint."""
    seed: int
    device: torch.device
    initialisation: str
    schedule: str
    """What the rates do, in a word."""
    teacher: Teacher | None = None
    """Teacher of whatever kind, for the record."""
    online: Teacher | None = None
    """The same where the loss asks it for each batch."""
    save_every_s: float = 60.0
    beside: Path | None = None
    """Folder that keeps what is found in the pictures; the run's own if None."""

    def settings(self) -> dict[str, Any]:
        """Return what a resumed run must share, as its result tells it."""
        extra = self.data.extra
        return {
            "system": self.recipe.system,
            "initialisation": self.initialisation,
            "teacher": self.teacher.system if self.teacher else "none",
            "teacher_fingerprint": self.teacher.fingerprint if self.teacher else "none",
            "train_pictures": len(self.data.train),
            "fingerprint": self.data.everything.fingerprint(),
            "extra_pictures": 0 if extra is None else len(extra),
            "extra_fingerprint": "none" if extra is None else extra.fingerprint(),
            "seed": self.seed,
            "schedule": self.schedule,
            "steps": [plan.steps for plan in self.plans],
            "batch": [plan.batch for plan in self.plans],
        }


def train_run(run: Run, network: Any, *, fresh_head: bool) -> dict[str, Any]:
    """Train a network in place, or go on with its training.

    Args:
        run: says how.
        network: of the recipe's system.
        fresh_head: whether its head is still random.

    Returns:
        The run's settings, losses, metrics on the validation rows, and what it took.

    Raises:
        RecipeError: see `train_system`.
    """
    how = run.settings()
    if run.online is not None and run.online.graded and run.recipe.distillation == "grades":
        network.use_anchors(run.online.network.anchors)
    if fresh_head and not (run.folder / "checkpoint.pt").is_file():
        _start(run, network)
    found = train_system(
        network, run.recipe, run.plans, run.data, run.folder, how,
        seed=run.seed, device=run.device, teacher=run.online, save_every_s=run.save_every_s,
    )  # fmt: skip
    taken = logged_seconds(run.folder / "log.jsonl")
    save_network(run.recipe.system, network, how, run.folder / "model.pt")
    network.cpu()
    device = torch.cuda.get_device_name() if run.device.type == "cuda" else "CPU"
    return {**how, **found, "seconds": round(taken, 1), "device": device}


def _start(run: Run, network: Any) -> None:
    if isinstance(network, SFIQA):
        places = find_patches(run.data.everything, run.beside or run.folder, run.seed)
        network.places.copy_(torch.tensor(places))
    rows = run.data.train
    some = rows.take(np.random.default_rng(run.seed).permutation(len(rows))[:STATISTICS_ROWS])
    how = facegauge_models.info(run.recipe.system).test
    network.to(run.device).to(memory_format=torch.channels_last)
    estimate_statistics(network, how, some, run.device)
    start_head(network, run.recipe.system, how, some, run.device)
