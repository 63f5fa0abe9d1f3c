"""Train a student's second output alone: its scores stay what they are, and it learns to say why.

What both heads are made from, the pooled maps of every scale, is computed once for each crop, so that a
training takes minutes on one core. The head is trained on figures of mean 0 and deviation 1, which its first
layer then takes over.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from facegauge_models.students import FaceStudent
from facegauge_training.common.average import follow
from facegauge_training.common.metrics import cause_metrics
from facegauge_training.common.runs import find_network, run_folder
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.fitting.checkpoint import load_trained, read_provenance, save_trained
from facegauge_training.fitting.loader import split_crops
from facegauge_training.fitting.teacher_loss import Distillation
from facegauge_training.fitting.teacher_outputs import read_teacher_outputs
from facegauge_training.losses.cause import CauseLoss

__all__ = ["CauseHeadOptions", "fit_cause_head", "pooled_figures", "train_cause_head"]

_AT_ONCE = 32
_BATCH = 256
_DECAY = 1e-3


@dataclass(frozen=True, slots=True)
class CauseHeadOptions:
    """What a person asks of a training of the second output."""

    cache: Path
    run: str
    """Its folder below CACHE/runs, which gets student.pt."""
    start_from: str
    """Run, or path to a file, of the student."""
    teacher: str
    """Likewise of the teacher, whose outputs were computed; it knows causes where no measurement does."""
    epochs: int
    rate: float
    seed: int


def train_cause_head(options: CauseHeadOptions, say: Callable[[str], None]) -> Path:
    """Train the second output of a finished student, and return the file of the new one.

    Raises:
        RecipeError: something asked for or found on the disk is not as it must be.
    """
    cache = options.cache
    path = find_network(cache, options.start_from)
    trained = load_trained(path)
    network = trained.network
    crops = CropSet(train_stores(cache), trained.width)
    teacher = load_trained(find_network(cache, options.teacher, "--teacher"))
    told = read_teacher_outputs(cache, teacher.name, crops).causes
    rows, aside = split_crops(crops)
    known = np.isfinite(told[rows, 0]) | np.isfinite(crops.gains[rows]).all(axis=1)
    rows = rows[known]
    measured = int(np.isfinite(crops.gains[rows]).all(axis=1).sum())
    say(f"{len(rows)} crops, causes of {measured} measured, of the others told by {teacher.name}")

    pooled, quality = pooled_figures(network, crops, np.concatenate((rows, aside)))
    count = len(rows)
    fit_cause_head(network, pooled[:count], quality[:count], crops.gains[rows], told[rows], options)
    with torch.no_grad():
        said = network.causes(pooled[count:], quality[count:]).numpy()
    found = cause_metrics(said.astype(np.float64), crops.gains[aside].astype(np.float64))
    say(f"held out: {', '.join(f'{name} {value:.3f}' for name, value in found.items() if value is not None)}")

    start = read_provenance(path)
    metadata = {
        "backbone": trained.provenance.backbone,
        "width": trained.width,
        "initialisation": f"{path.parent.name}/{path.name}",
        "teacher": teacher.name,
        "pseudo_round": 0,
        "seed": options.seed,
        "samples": trained.provenance.samples + count,
        "crops": count,
        "start": start,
    }
    out = run_folder(cache, options.run) / "student.pt"
    out.parent.mkdir(parents=True, exist_ok=True)
    save_trained(out, network, crops, metadata)
    return out


@torch.no_grad()
def pooled_figures(
    network: FaceStudent, crops: CropSet, chosen: npt.NDArray[np.intp]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the heads are made from, float32 (n, figures), and the quality (n,), of some crops."""
    network.eval()
    pooled, quality = [], []
    for at in range(0, len(chosen), _AT_ONCE):
        pixels = np.stack([crops[int(i)] for i in chosen[at : at + _AT_ONCE]])
        pooled.append(network.pooled(torch.from_numpy(pixels)))
        quality.append(network.score(network.features(pooled[-1])))
    return torch.cat(pooled), torch.cat(quality)


def fit_cause_head(
    network: FaceStudent,
    pooled: torch.Tensor,
    quality: torch.Tensor,
    gains: npt.NDArray[np.float32],
    told: npt.NDArray[np.float32],
    options: CauseHeadOptions,
) -> None:
    """Replace the second head of a network, in place; the first is left as it is.

    Args:
        network: in evaluation mode.
        pooled: figures of n crops, (n, figures).
        quality: their scores, (n,).
        gains: measured, (n, causes), NaN where they were not.
        told: by a teacher, likewise.
        options: epochs, rate and seed count.
    """
    torch.manual_seed(options.seed)
    mean, deviation = pooled.mean(dim=0), pooled.std(dim=0).clamp(min=1e-4)
    figures = (pooled - mean) / deviation
    measured, taught = torch.from_numpy(gains), torch.from_numpy(told)
    head = network.cause_head
    for layer in head:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    average = copy.deepcopy(head).eval()
    head.train()
    optimizer = torch.optim.AdamW(head.parameters(), lr=options.rate, weight_decay=_DECAY)
    steps = options.epochs * max(1, len(figures) // _BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss_of, weight = CauseLoss(), Distillation.CAUSE_WEIGHT
    for step in range(steps):
        at = torch.randint(len(figures), (min(_BATCH, len(figures)),))
        causes = torch.sigmoid(head(figures[at])) * (1 - quality[at])[:, None]
        loss = loss_of(causes, measured[at])
        known = ~taught[at].isnan().any(dim=1)
        if known.any():
            loss = loss + weight * (causes[known] - taught[at][known]).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        follow(average, head, min(0.998, (1 + step) / (10 + step)))
    with torch.no_grad():
        head.load_state_dict(average.state_dict())
        first: Any = head[0]
        first.bias -= first.weight @ (mean / deviation)
        first.weight /= deviation
    head.eval()
