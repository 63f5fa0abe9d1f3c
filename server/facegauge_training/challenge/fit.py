"""The one loop that trains any system by its recipe. `train` reads from top to bottom."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import facegauge_models
from facegauge_training.challenge.batches import Plan, batches
from facegauge_training.challenge.objective import Objective
from facegauge_training.challenge.onnx_file import predict
from facegauge_training.challenge.pictures import Pictures
from facegauge_training.challenge.recipe import Recipe
from facegauge_training.challenge.teacher import Teacher
from facegauge_training.challenge.weight_keeper import Keeper, optimiser_for, set_frozen, set_rates
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import watched
from facegauge_training.common.run_files import load_checkpoint, open_log, save_atomically, write_row

__all__ = ["Data", "train"]

CLIP = 5.0
LOG_ROWS = 300


@dataclass(frozen=True, slots=True)
class Data:
    """What a training sees."""

    train: Pictures
    """Not held out."""
    everything: Pictures
    """For stages that train on all rows."""
    watch: Pictures
    """Held out, or some of these."""


def train(
    network: Any,
    recipe: Recipe,
    plans: list[Plan],
    data: Data,
    folder: Path,
    identity: dict[str, Any],
    *,
    seed: int,
    device: torch.device,
    teacher: Teacher | None = None,
    save_every_s: float = 60.0,
) -> dict[str, Any]:
    """Train a network in place, or go on where the folder's checkpoint is.

    Args:
        network: of the recipe's system.
        recipe: says how.
        plans: its stages with their steps.
        data: rows to train on and to watch.
        folder: gets checkpoint.pt and log.jsonl.
        identity: settings that a resumed run must share.
        seed: decides the order, the cuts and what torch draws.
        device: to train on.
        teacher: of recipes that distil; None leaves that part of the loss out.
        save_every_s: seconds between checkpoints; 0 saves after every step.

    Returns:
        The loss of the first and of the last tenth of the steps, and the last figures on the watched rows.

    Raises:
        RecipeError: the loss is not finite, or the checkpoint is another training's.
    """
    # --- what is trained, and where it was
    torch.manual_seed(seed)
    model = facegauge_models.info(recipe.system)
    network.to(device).to(memory_format=torch.channels_last)
    objective = Objective(recipe).to(device)
    keeper = Keeper(recipe)
    total = sum(plan.steps for plan in plans)
    log_every = max(1, total // LOG_ROWS)
    checkpoint = folder / "checkpoint.pt"
    saved = load_checkpoint(checkpoint, identity, device)
    stage, step, losses, log_length = 0, 0, [], 0
    optimiser = optimiser_for(network, recipe, plans[0].stage)
    if saved:
        stage, step, losses, log_length = (saved[k] for k in ("stage", "step", "losses", "log_length"))
        network.load_state_dict(saved["network"])
        keeper.load(saved["keeper"])
        if stage < len(plans):
            optimiser = optimiser_for(network, recipe, plans[stage].stage)
            optimiser.load_state_dict(saved["optimiser"])
        torch.set_rng_state(saved["rng"].cpu())
        if device.type == "cuda":
            torch.cuda.set_rng_state(saved["cuda_rng"].cpu(), device)

    def look() -> dict[str, Any]:
        seen = predict(network, model, data.watch, device)
        return dict(watched(seen, data.watch.scores.astype(np.float64)))

    def save() -> None:
        save_atomically(
            {
                "identity": identity, "stage": stage, "step": step, "losses": losses,
                "log_length": log.tell(), "network": network.state_dict(), "keeper": keeper.state(),
                "optimiser": optimiser.state_dict(), "rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.zeros(0),
            },
            checkpoint,
        )  # fmt: skip

    # --- stages and their steps
    texts = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}")
    columns = *texts, TimeRemainingColumn()
    with Progress(*columns) as progress, open_log(folder / "log.jsonl", log_length) as log:
        done = sum(plan.steps for plan in plans[:stage]) + step
        bar = progress.add_task(recipe.system, total=total, completed=done)
        if saved:
            progress.console.print(f"going on at step {done} of {total}")
        saved_at = time.monotonic()
        while stage < len(plans):
            plan = plans[stage]
            rows = data.everything if plan.stage.all_rows else data.train
            before = sum(other.steps for other in plans[:stage])
            over = step == plan.steps or keeper.gave_up(recipe, plan.epoch(step))
            for shown in () if over else batches(rows, recipe, plan, seed, step):
                epoch = plan.epoch(step)
                network.train()
                set_frozen(network, recipe, frozen=epoch < plan.stage.frozen_epochs)
                rate = plan.stage.rate * plan.stage.schedule.at(epoch, plan.stage.epochs) * keeper.multiplier
                set_rates(optimiser, plan.stage, rate)
                seen = shown.to(device)
                told = teacher.tell(rows, shown.rows) if teacher is not None else None
                with torch.autocast(
                    device.type, torch.bfloat16, recipe.half_precision and device.type == "cuda"
                ):
                    loss = objective(network, seen, told)
                if not torch.isfinite(loss):
                    raise RecipeError(
                        f"The loss of {recipe.system} is not finite after {before + step} steps: start anew "
                        "with another --seed or from other weights (--pretrained, --start-from)."
                    )
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
                optimiser.step()
                losses.append(float(loss.detach()))
                step += 1
                epoch_ends = step == plan.steps or plan.epoch(step) > epoch
                if epoch_ends and plan.stage.average:
                    keeper.average(network)
                # --- log, look, save
                row: dict[str, Any] = {}
                if step * plan.looks // plan.steps > (step - 1) * plan.looks // plan.steps:
                    row = look()
                    keeper.look(network, row["score"], epoch, plan.stage)
                if row or step % log_every == 0:
                    mean = float(np.mean(losses[-log_every:]))
                    place = {
                        "step": before + step,
                        "stage": stage,
                        "epoch": epoch,
                        "loss": mean,
                        "rate": rate,
                    }
                    if row and plan.stage.all_rows:
                        row["watched_trained_on"] = True
                    write_row(log, place | row)
                    progress.update(bar, description=f"{recipe.system} loss {mean:.4f}")
                    if row:
                        progress.console.print(_shown(place | row), soft_wrap=True)
                progress.update(bar, completed=before + step)
                if time.monotonic() - saved_at >= save_every_s:
                    save()
                    saved_at = time.monotonic()
                if step == plan.steps or keeper.gave_up(recipe, plan.epoch(step)):
                    break
            # --- the next stage starts from the best of this one
            keeper.finish(network, plan.stage)
            stage, step = stage + 1, 0
            if stage < len(plans):
                optimiser = optimiser_for(network, recipe, plans[stage].stage)
            save()
    tenth = max(1, len(losses) // 10)
    return {
        "first_loss": float(np.mean(losses[:tenth])),
        "last_loss": float(np.mean(losses[-tenth:])),
        "watched_trained_on": any(plan.stage.all_rows for plan in plans),
        **look(),
    }


def _shown(row: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
