"""Train a system on a person's folder of pictures, from options to finished files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import facegauge_models
from facegauge_training.challenge.batches import plan_stages
from facegauge_training.challenge.onnx_file import export
from facegauge_training.challenge.pictures import Pictures, hold_out, read_pictures
from facegauge_training.challenge.protocol import schedule_of, shortened
from facegauge_training.challenge.recipe import Recipe
from facegauge_training.challenge.run import Run, train_run
from facegauge_training.challenge.splits import Data
from facegauge_training.challenge.teacher import Teacher, pseudo_label
from facegauge_training.challenge.team_recipes import find_recipe
from facegauge_training.challenge.weights import build_network
from facegauge_training.common.atomic import write_json
from facegauge_training.common.curves import draw_curves
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import read_log

__all__ = ["ChallengeOptions", "run_training"]

VALIDATION_ROWS, VALIDATION_ROWS_SHORT = 2000, 200
"""Held-out rows that are scored at each validation, at most; the second in a shortened run."""


@dataclass(frozen=True, slots=True)
class ChallengeOptions:
    """What a person asks of a training."""

    system: str
    images: Path
    labels: Path
    folder: Path
    """Gets everything."""
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
    pseudo: tuple[Path, ...] = ()
    """Tables of pseudo-labels, with absolute names, that are trained on besides and never validated on."""
    held_out: float | None = None
    """Share of the groups that is held out, instead of the recipe's."""
    extra: tuple[Path, Path] | None = None
    """Folder and CSV of another data set, for recipes that have one."""
    least_rate: float | None = None
    """For a short training: what the recipe's first rate is lifted to; see `protocol.shortened`."""


def run_training(options: ChallengeOptions, say: Callable[[str], None]) -> dict[str, Any]:
    """Train a system, or go on with its training, and leave model.pt, model.onnx, log.jsonl and curves.png.

    Returns:
        What result.json says: how it was trained, losses, metrics on the validation rows, ONNX parity.

    Raises:
        RecipeError: something asked for or found on the disk is not as it must be.
    """
    recipe = find_recipe(options.system)
    if options.least_rate is not None:
        recipe = shortened(recipe, options.least_rate)
    if options.held_out is not None:
        recipe = replace(recipe, held_out=options.held_out)
    if options.extra is None:
        recipe = recipe.without_extra()
    elif not recipe.takes_extra:
        raise RecipeError(f"The recipe of {recipe.system} has no other data set: leave --extra-images out.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    teacher = _teacher(options, recipe, device)
    options.folder.mkdir(parents=True, exist_ok=True)

    data, left_out = _read(options, recipe, teacher, say)
    plans = plan_stages(recipe, data, options.budget, options.steps, options.batch)

    # --- training and what it leaves
    start = build_network(
        options.system, options.seed, pretrained=options.pretrained, start_from=options.start_from
    )
    network = start.network
    schedule = "its own" if options.least_rate is None else schedule_of(recipe)
    online = teacher if recipe.distillation in ("scores", "grades") else None
    run = Run(
        recipe, plans, data, options.folder, options.seed, device,
        start.initialisation, schedule, teacher, online, options.save_every_s,
    )  # fmt: skip
    _announce(run, left_out, say)
    result = train_run(run, network, fresh_head=start.fresh_head)
    draw_curves(read_log(options.folder / "log.jsonl"), options.folder / "curves.png")
    difference = export(
        network, facegauge_models.info(recipe.system), data.validation, options.folder / "model.onnx"
    )
    result = {**result, "left_out": left_out, "onnx_torch_difference": difference}
    write_json(options.folder / "result.json", result)
    return result


def _read(
    options: ChallengeOptions, recipe: Recipe, teacher: Teacher | None, say: Callable[[str], None]
) -> tuple[Data, int]:
    """Return the rows, and how many bad lines were left out."""
    fresh = not (options.folder / "checkpoint.pt").is_file()
    pictures = read_pictures(options.images, options.labels, skip_bad=options.skip_bad, decode=fresh)
    left_out = pictures.left_out
    rows, kept = _divided(pictures, recipe.held_out)
    if len(rows) < 2 or len(kept) < 3:
        raise RecipeError(
            f"{recipe.system} holds out {recipe.held_out:.0%} of the groups, which leaves {len(rows)} rows "
            f"of {options.labels} to train on and {len(kept)} for validation: add rows, in more groups."
        )
    extra = None
    if options.extra is not None:
        extra = read_pictures(*options.extra, skip_bad=options.skip_bad, decode=fresh).elsewhere()
        left_out += extra.left_out
        if recipe.extra_held_out:
            extra, beside = _divided(extra, recipe.held_out)
            kept = kept.join(beside)
    if teacher is not None and options.unlabelled is not None:
        more = pseudo_label(teacher, options.unlabelled, rows, options.folder)
        say(f"{len(more)} pictures of {options.unlabelled} labelled by {teacher.system}")
        rows, pictures = rows.join(more), pictures.join(more)
    for table in options.pseudo:
        more = read_pictures(table.parent, table, decode=False, least=1)
        rows, pictures = rows.join(more), pictures.join(more)
    most = VALIDATION_ROWS if options.budget == 1 and options.steps is None else VALIDATION_ROWS_SHORT
    validation = kept.take(np.arange(0, len(kept), -(-len(kept) // most)))
    return Data(rows, pictures, validation, extra, None if extra is None else rows.join(extra)), left_out


def _divided(pictures: Pictures, held_out: float) -> tuple[Pictures, Pictures]:
    """Return the rows to train on and those that are held out."""
    aside = hold_out(pictures, held_out)
    return pictures.take(np.flatnonzero(~aside)), pictures.take(np.flatnonzero(aside))


def _teacher(options: ChallengeOptions, recipe: Recipe, device: torch.device) -> Teacher | None:
    if not recipe.distillation:
        if options.teacher is not None:
            raise RecipeError(f"The recipe of {recipe.system} has no teacher: leave --teacher out.")
        return None
    if options.unlabelled is not None and (options.teacher is None or recipe.distillation != "pseudo-labels"):
        raise RecipeError("--unlabelled is for recipes with pseudo-labels, and needs their --teacher.")
    if options.teacher is not None:
        if recipe.distillation == "pseudo-labels" and options.unlabelled is None:
            raise RecipeError(
                f"The teacher of {recipe.system} labels pictures that have no label: give --unlabelled, a "
                "folder of them."
            )
        return Teacher(options.teacher, device)
    if recipe.distillation == "pseudo-labels" or options.without_teacher:
        return None
    raise RecipeError(
        f"{recipe.system} learns from a teacher. Train one on the same pictures, `facegauge-train "
        f"challenge --system {recipe.teacher} ...` (or efficientnet-lite2 on a CPU), and give "
        "its model.pt as --teacher; or give --without-teacher to learn from the labels alone."
    )


def _announce(run: Run, left_out: int, say: Callable[[str], None]) -> None:
    recipe = run.recipe
    say(f"{recipe.system} by section {recipe.section} of the report; not stated there: {recipe.silent}")
    if recipe.distillation and run.teacher is None:
        say(f"Without its teacher ({recipe.teacher}): labels alone.")
    elif recipe.distillation == "grades" and run.online is not None and not run.online.graded:
        say(f"The teacher ({run.online.system}) has no grades to give: its scores alone are used.")
    if any(plan.stage.all_rows for plan in run.plans):
        say("Its last stage trains on the held-out rows too: the Score on them then says nothing new.")
    if left_out:
        say(f"{left_out} bad lines left out.")
    if recipe.takes_extra and run.data.extra is None:
        say("Without its other data set (--extra-images).")
    for plan in run.plans:
        rows = len(run.data.of(plan.stage))
        say(
            f"{plan.stage.name}: {plan.steps} steps of {plan.batch} for {plan.stage.epochs} epochs of {rows} "
            "pictures"
        )
    say(
        f"{len(run.data.train)} pictures to train on, {len(run.data.validation)} held out for validation, "
        f"weights: {run.initialisation}"
    )
