"""Train all systems under one protocol on the student's labelled crops: what Table 1 is made of.

Each system keeps its own head, loss, optimiser, stages, sizes, augmentation, sampler and held-out share
(`team_recipes`); all see the same number of pictures, begin from the same kind of backbone and are measured
on the same photos. Several can train side by side. A killed run resumes, in the middle of a system too; a
finished system is not trained again. `table_page` measures them further and writes the page.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import facegauge_models
from facegauge_training.challenge.batches import plan_stages
from facegauge_training.challenge.natural_crops import label_natural_crops
from facegauge_training.challenge.pictures import hold_out
from facegauge_training.challenge.predict import predict_pictures
from facegauge_training.challenge.protocol import Protocol, schedule_of, shortened
from facegauge_training.challenge.recipe import Recipe
from facegauge_training.challenge.run import Run, train_run
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.stored_crops import StoredCrops, split_rows
from facegauge_training.challenge.teacher import Teacher
from facegauge_training.challenge.team_recipes import find_recipe
from facegauge_training.challenge.weights import build_network, halved, take_backbones
from facegauge_training.common.atomic import write_json
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import challenge_report
from facegauge_training.data.label_crops import train_stores

__all__ = ["train_system_of_table", "train_systems"]

VALIDATION_ROWS = 400
LOOKS = 4
"""Validations of a stage: each takes as long as some ten steps."""
LOG = "training.txt"
"""What a training in a process of its own prints, in its folder."""


def train_systems(
    protocol: Protocol, systems: Sequence[str], jobs: int, say: Callable[[str], None]
) -> dict[str, str]:
    """Train systems, `jobs` side by side, each in a process of its own where there are several.

    Returns:
        Why a system failed, by its name.

    Raises:
        RecipeError: there is no such system, or the natural photos cannot be labelled.
    """
    for name in systems:
        find_recipe(name)
    waiting = [name for name in systems if not (protocol.folder / name / "result.json").is_file()]
    for name in systems:
        if name not in waiting:
            say(f"{name} is done already")
    if any(find_recipe(name).distillation == "pseudo-labels" for name in waiting):
        _label_natural(protocol, say)
    failed: dict[str, str] = {}

    def note(name: str, call: Callable[[], dict[str, Any]]) -> None:
        try:
            result = call()
            say(f"{name}: Score {result['score']:.4f} on held-out photos, {result['seconds']:.0f} s")
        except (RecipeError, RuntimeError) as error:  # torch's: one that fails does not stop the others
            failed[name] = str(error)
            say(f"{name}: {error}")

    if jobs == 1:
        for name in waiting:
            note(name, partial(train_system_of_table, protocol, name))
        return failed
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=fresh, max_tasks_per_child=1) as pool:
        # The largest inputs first, so that none is left alone at the end.
        waiting.sort(key=lambda name: -int(np.prod(facegauge_models.info(name).input_size)))
        coming = {pool.submit(_train_aside, protocol, name): name for name in waiting}
        for done in as_completed(coming):
            note(coming[done], done.result)
    return failed


def train_system_of_table(protocol: Protocol, name: str) -> dict[str, Any]:
    """Train one system, or go on with its training, and measure it on the photos that nothing trains on.

    Leaves model.pt, result.json and log.jsonl in its folder, and returns what result.json says.
    """
    torch.set_num_threads(protocol.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    recipe, folder = shortened(find_recipe(name), protocol.least_rate), protocol.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(protocol.teacher, device) if recipe.distillation and protocol.teacher else None
    data, kept, pseudo = _rows(protocol, recipe, teacher)
    steps = protocol.samples // protocol.batch
    plans = plan_stages(recipe, data, steps=steps, batch=protocol.batch, validations=LOOKS)
    network, initialisation, _ = build_network(name, protocol.seed)
    taken = take_backbones(network, name, protocol.backbones) if protocol.backbones else []
    online = teacher if recipe.distillation in ("scores", "grades") else None
    run = Run(
        recipe, plans, data, folder, protocol.seed, device,
        f"pretrained {' and '.join(taken)}" if taken else initialisation,
        schedule_of(recipe), teacher, online,
        beside=protocol.cache,
    )  # fmt: skip
    result = train_run(run, network, fresh_head=True)
    halved(network, folder / "model.pt")
    how = facegauge_models.info(name).test
    scores = predict_pictures(network.to(device), how, kept, device)
    figures = challenge_report(scores, kept.scores.astype(np.float64), kept.groups)
    result = {**result, "samples": steps * protocol.batch, "pseudo_labelled": pseudo, **figures}
    write_json(folder / "result.json", result)
    return result


def _rows(protocol: Protocol, recipe: Recipe, teacher: Teacher | None) -> tuple[Data, StoredCrops, int]:
    """Return what a system trains on, the rows it is measured on, and how many were labelled by a teacher."""
    more = []
    if teacher is not None and recipe.distillation == "pseudo-labels" and protocol.faces is not None:
        more = [_natural_store(protocol, teacher)]
    everything, kept = split_rows(train_stores(protocol.cache), more)
    pseudo = everything.crops.pseudo[everything.chosen]
    aside = hold_out(everything, recipe.held_out) & ~pseudo
    validation = np.flatnonzero(aside)
    if len(validation) < 3 or aside.all():
        raise RecipeError(
            f"{recipe.system} holds out {recipe.held_out:.0%} of the photos: label more of them."
        )
    data = Data(
        everything.take(np.flatnonzero(~aside)),
        everything,
        everything.take(validation[:: -(-len(validation) // VALIDATION_ROWS)]),
    )
    return data, kept, int(pseudo.sum())


def _label_natural(protocol: Protocol, say: Callable[[str], None]) -> None:
    if protocol.teacher is None or protocol.faces is None:
        return
    teacher = Teacher(protocol.teacher, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    _, kept = split_rows(train_stores(protocol.cache), [])
    count = label_natural_crops(protocol.faces, teacher, kept, _natural_store(protocol, teacher))
    say(f"{count} natural photos labelled by {teacher.system}")


def _natural_store(protocol: Protocol, teacher: Teacher) -> Path:
    return protocol.folder / f"natural-{teacher.fingerprint}"


def _train_aside(protocol: Protocol, name: str) -> dict[str, Any]:
    folder = protocol.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / LOG).open("a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        return train_system_of_table(protocol, name)
