"""From what a person asks for to a finished training: read, check, build, train, draw, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import facegauge_models
from facegauge_models.teachers import GradedCLIP
from facegauge_training.challenge.batches import Plan, plan_stages
from facegauge_training.challenge.fit import Data, train
from facegauge_training.challenge.onnx_file import export
from facegauge_training.challenge.pictures import Pictures, hold_out, read_pictures
from facegauge_training.challenge.recipe import Recipe, Schedule
from facegauge_training.challenge.recipes import find_recipe
from facegauge_training.challenge.teacher import Teacher, load_network, pseudo_label
from facegauge_training.common.curves import draw_curves
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import read_log, save_atomically

__all__ = ["Asked", "run_training"]

WATCHED, WATCHED_SHORT = 2000, 200
"""Held-out rows that are scored at each look, at most; in a shortened run."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a training."""

    system: str
    images: Path
    labels: Path
    run: Path
    """Folder that gets everything."""
    seed: int = 1
    budget: float = 1.0
    steps: int | None = None
    batch: int | None = None
    pretrained: bool = False
    start_from: Path | None = None
    teacher: Path | None = None
    unlabelled: Path | None = None
    without_teacher: bool = False
    skip_bad: bool = False
    save_every_s: float = 60.0
    schedule: Schedule | None = None
    """Of every stage, instead of the recipe's: falls by epochs are too steep for a much shortened run."""


def run_training(asked: Asked, say: Callable[[str], None]) -> dict[str, Any]:
    """Train a system, or go on with its training, and leave model.pt, model.onnx, log.jsonl and curves.png.

    Returns:
        What result.json says: how it was trained, losses, figures on the watched rows, ONNX parity.

    Raises:
        RecipeError: something asked for or found on the disk is not as it must be.
    """
    recipe = find_recipe(asked.system)
    if asked.schedule is not None:
        stages = tuple(replace(stage, schedule=asked.schedule) for stage in recipe.stages)
        recipe = replace(recipe, stages=stages)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    teacher = _teacher(asked, recipe, device)
    asked.run.mkdir(parents=True, exist_ok=True)

    # --- rows
    fresh = not (asked.run / "checkpoint.pt").is_file()
    pictures = read_pictures(asked.images, asked.labels, skip_bad=asked.skip_bad, decode=fresh)
    aside = hold_out(pictures, recipe.held_out)
    rows, kept = pictures.take(np.flatnonzero(~aside)), np.flatnonzero(aside)
    if len(rows) < 2 or len(kept) < 3:
        raise RecipeError(
            f"{recipe.system} holds out {recipe.held_out:.0%} of the groups, which leaves {len(rows)} rows "
            f"of {asked.labels} to train on and {len(kept)} to watch: add rows, in more groups."
        )
    most = WATCHED if asked.budget == 1 and asked.steps is None else WATCHED_SHORT
    watch = pictures.take(kept[:: -(-len(kept) // most)])
    if teacher is not None and asked.unlabelled is not None:
        more = pseudo_label(teacher, asked.unlabelled, rows, asked.run / "pseudo.csv")
        say(f"{len(more)} pictures of {asked.unlabelled} labelled by {teacher.system}")
        rows, pictures = rows.join(more), pictures.join(more)
    plans = plan_stages(recipe, rows, pictures, asked.budget, asked.steps, asked.batch)

    # --- network
    network, initialisation = _network(asked)
    online = teacher if recipe.distillation in ("scores", "grades") else None
    if online is not None and online.graded and recipe.distillation == "grades":
        network.use_anchors(online.network.anchors)
    how = {
        "system": recipe.system,
        "initialisation": initialisation,
        "teacher": teacher.system if teacher else "none",
        "teacher_fingerprint": teacher.fingerprint if teacher else "none",
        "train_pictures": len(rows),
        "fingerprint": pictures.fingerprint(),
        "seed": asked.seed,
        "schedule": asked.schedule.kind if asked.schedule else "its own",
        "steps": [plan.steps for plan in plans],
        "batch": [plan.batch for plan in plans],
    }
    _announce(recipe, plans, how, pictures, watch, say, graded=online is not None and online.graded)

    # --- training and what it leaves
    found = train(
        network, recipe, plans, Data(rows, pictures, watch), asked.run, how,
        seed=asked.seed, device=device, teacher=online, save_every_s=asked.save_every_s,
    )  # fmt: skip
    save_atomically(
        {"system": recipe.system, "weights": network.cpu().state_dict(), **how}, asked.run / "model.pt"
    )
    draw_curves(read_log(asked.run / "log.jsonl"), asked.run / "curves.png")
    difference = export(network, facegauge_models.info(recipe.system), watch, asked.run / "model.onnx")
    result = {**how, "left_out": pictures.left_out, **found, "onnx_torch_difference": difference}
    (asked.run / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _teacher(asked: Asked, recipe: Recipe, device: torch.device) -> Teacher | None:
    if not recipe.distillation:
        if asked.teacher is not None:
            raise RecipeError(f"The recipe of {recipe.system} has no teacher: leave --teacher out.")
        return None
    if asked.unlabelled is not None and (asked.teacher is None or recipe.distillation != "pseudo-labels"):
        raise RecipeError("--unlabelled is for recipes with pseudo-labels, and needs their --teacher.")
    if asked.teacher is not None:
        if recipe.distillation == "pseudo-labels" and asked.unlabelled is None:
            raise RecipeError(
                f"The teacher of {recipe.system} labels pictures that have no label: give --unlabelled, a "
                "folder of them."
            )
        return Teacher(asked.teacher, device)
    if recipe.distillation == "pseudo-labels" or asked.without_teacher:
        return None
    raise RecipeError(
        f"{recipe.system} learns from a teacher. Train one on the same pictures, `python -m "
        f"facegauge_training.challenge.train --system {recipe.teacher} ...` (or efficientnet-lite2 on a CPU), and give "
        "its model.pt as --teacher; or give --without-teacher to learn from the labels alone."
    )


def _network(asked: Asked) -> tuple[Any, str]:
    """Build the network, and say what its weights are at the start."""
    if asked.start_from is not None:
        system, network = load_network(asked.start_from)
        if system != asked.system:
            raise RecipeError(f"{asked.start_from} is a {system}, not a {asked.system}: give another.")
        return network, f"{asked.start_from.parent.name}/{asked.start_from.name}"
    torch.manual_seed(asked.seed)
    try:
        network = facegauge_models.create(asked.system, pretrained=asked.pretrained)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        raise RecipeError(f"No published weights for {asked.system} here: {error}") from error
    if isinstance(network, GradedCLIP):
        network.freeze_tower()  # Next tuned its adapters alone
    return network, "pretrained" if asked.pretrained else "random"


def _announce(
    recipe: Recipe,
    plans: list[Plan],
    how: dict[str, Any],
    pictures: Pictures,
    watch: Pictures,
    say: Callable[[str], None],
    *,
    graded: bool,
) -> None:
    say(f"{recipe.system} by section {recipe.section} of the report; not told there: {recipe.silent}")
    if recipe.distillation and how["teacher"] == "none":
        say(f"Without its teacher ({recipe.teacher}): labels alone.")
    elif recipe.distillation == "grades" and not graded:
        say(f"The teacher ({how['teacher']}) has no grades to give: its scores alone are taken over.")
    if any(plan.stage.all_rows for plan in plans):
        say("Its last stage trains on the held-out rows too: the Score on them then says nothing new.")
    if pictures.left_out:
        say(f"{pictures.left_out} bad lines of {pictures.table} left out.")
    for plan in plans:
        say(f"{plan.stage.name}: {plan.steps} steps of {plan.batch} for {plan.stage.epochs} epochs")
    say(
        f"{how['train_pictures']} pictures to train on, {len(watch)} held out and watched, "
        f"weights: {how['initialisation']}"
    )
