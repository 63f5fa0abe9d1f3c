"""Train a student or a teacher on the labels of a cache: read, build, fit, and leave the finished network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from facegauge_training.common.runs import find_network, run_folder
from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.store import pseudo_stores
from facegauge_training.fitting.checkpoint import (
    load_trained,
    new_network,
    read_provenance,
    save_trained,
    start_from_weights,
)
from facegauge_training.fitting.fit import fit
from facegauge_training.fitting.loader import split_crops
from facegauge_training.fitting.schedule import Schedule
from facegauge_training.fitting.teacher_loss import Distillation
from facegauge_training.fitting.teacher_outputs import read_teacher_outputs

__all__ = ["TrainingOptions", "train_on_labels"]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a person asks of a training on labelled crops."""

    cache: Path
    run: str
    """Its folder below CACHE/runs."""
    role: Literal["student", "teacher"]
    """Names the file that it leaves: RUN/student.pt or RUN/teacher.pt."""
    backbone: str
    initialisation: str
    """"random" or "imagenet"; unused with `start_from`."""
    width: int
    """Px across of its crops."""
    schedule: Schedule
    start_from: str | None = None
    """Run, or path to a file, whose weights to begin with."""
    teacher: str | None = None
    """Run, or path to a file, of a teacher whose outputs to learn."""
    pseudo_round: int | None = None
    """Round of self-training whose crops join."""


def train_on_labels(options: TrainingOptions, say: Callable[[str], None]) -> Path:
    """Train a network, or resume its training, and return the finished network's file.

    Args:
        options: what to train.
        say: gets a line about the data, the start and the teacher.

    Raises:
        RecipeError: something asked for or found on the disk is not as it must be.
    """
    cache, seed = options.cache, options.schedule.seed
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = run_folder(cache, options.run)

    # --- data
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, options.pseudo_round)], options.width)
    train_rows, validation_rows = split_crops(crops)
    say(
        f"{len(train_rows)} crops of {options.width}x{crop_height(options.width)} px to train on, "
        f"{int(crops.pseudo.sum())} of them labelled by a teacher, {len(validation_rows)} held out for "
        f"validation, mean label {crops.labels.mean():.3f}"
    )

    # --- network and teacher
    samples = options.schedule.samples
    start: dict[str, Any] | None = None
    initialisation = options.initialisation
    network = new_network(options.backbone, "random" if options.start_from else initialisation, seed)
    if options.start_from:
        path = find_network(cache, options.start_from)
        earlier, missing = start_from_weights(network, path)
        samples += earlier
        start, initialisation = read_provenance(path), f"{path.parent.name}/{path.name}"
        say(f"started from {path}, except for {', '.join(missing) or 'nothing'}")
    distillation, teacher_name = None, "none"
    if options.teacher:
        teacher_name = load_trained(find_network(cache, options.teacher, "--teacher")).name
        outputs = read_teacher_outputs(cache, teacher_name, crops)
        distillation = Distillation(outputs, network.hidden)
        known = np.isfinite(outputs.scores[train_rows]).mean()
        say(f"learning from {teacher_name}, which has outputs for {known:.0%} of them")

    # --- training and what it leaves
    metadata = {
        "backbone": options.backbone,
        "width": options.width,
        "initialisation": initialisation,
        "teacher": teacher_name,
        "pseudo_round": options.pseudo_round or 0,
        "seed": seed,
    }
    settings = {"role": options.role, **metadata}
    average = fit(
        network, crops, train_rows, validation_rows, folder, options.schedule, device, distillation, settings
    )
    path = folder / f"{options.role}.pt"
    counts = {"samples": samples, "crops": len(train_rows)}
    save_trained(path, average, crops, metadata | counts | ({"start": start} if start else {}))
    return path
