"""The one loop that trains students and teachers on stores of labelled crops. `fit` reads from top to bottom.

Progressive size in one cosine: random patches at full scale first (fast), whole crops in the end. AdamW, MSE
+ PLCC and the order within each clip, what a teacher says where there is one, and an exponential average of
the weights, which is the result. A checkpoint a minute, written whole or not at all; a run that is started
again goes on from it and ends with the weights it would have had.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from facegauge_models.students import FaceStudent
from facegauge_training.common.curves import draw_curves
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import watched
from facegauge_training.common.run_files import open_log, read_log, save_atomically, write_row
from facegauge_training.data.store import CropSet
from facegauge_training.fitting.distillation import Distillation
from facegauge_training.fitting.loader import batches
from facegauge_training.fitting.schedule import BATCH, Schedule, follow, load_parts, parameter_groups
from facegauge_training.losses.mse_plcc import MSEPLCCLoss
from facegauge_training.losses.order import ClipOrderLoss

__all__ = ["fit", "predict"]

LOOKS, LOG_ROWS = 12, 300
"""Times that the watched crops are scored, and rows of the log, in a training, at most."""


def fit(
    network: FaceStudent,
    crops: CropSet,
    train: npt.NDArray[np.intp],
    watch: npt.NDArray[np.intp],
    folder: Path,
    schedule: Schedule,
    device: torch.device,
    distillation: Distillation | None = None,
) -> FaceStudent:
    """Train a network in place, or go on where the folder's checkpoint is.

    Args:
        network: takes crops (n, h, w, 3), 0-255, and gives quality (n,), 0-1.
        crops: labelled, by whomever.
        train: which of them to learn from.
        watch: which of them, never trained on, to score now and then; may be none.
        folder: gets checkpoint.pt, log.jsonl and curves.png.
        schedule: how long and how fast.
        device: to train on.
        distillation: what a teacher says of the crops.

    Returns:
        The averaged network, in evaluation mode.

    Raises:
        RecipeError: the loss is not finite, or the checkpoint is broken or another network's.
    """
    network.to(device).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(parameter_groups(network, distillation, schedule.backbone_rate))
    value_loss, order_loss = MSEPLCCLoss(), ClipOrderLoss()
    if distillation:
        distillation.to(device)
    steps = schedule.steps
    checkpoint, log_path = folder / "checkpoint.pt", folder / "log.jsonl"
    parts: dict[str, Any] = {
        "student": network,
        "average": average,
        "optimizer": optimizer,
        "distillation": distillation,
    }
    saved = load_parts(checkpoint, parts, device)
    step, losses = saved.get("step", 0), saved.get("losses", [])
    log_path.touch()
    length = saved.get("log_length", log_path.stat().st_size)  # the first version's checkpoints lack it

    def save(written: int) -> None:
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items() if part is not None}
        state |= {"step": step, "losses": losses, "log_length": written, "rng": torch.get_rng_state()}
        save_atomically(state, checkpoint)

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress, open_log(log_path, length) as log:
        if step:
            progress.console.print(f"going on at step {step} of {steps}")
        bar = progress.add_task("training", total=steps, completed=step)
        saved_at, timed_at, timed_step = time.monotonic(), time.monotonic(), step
        while step < steps:
            stage = next(stage for stage in schedule.stages() if step < stage.end_step)
            for batch in batches(crops, train, BATCH, schedule.seed, step, stage.patch):
                for group in optimizer.param_groups:
                    group["lr"] = schedule.rate_at(step) * group.get("share", 1.0)
                network.train()
                features = network.features(batch.pixels.to(device))
                scores = network.score(features)
                valued = batch.valued.to(device)
                loss = value_loss(scores[valued], batch.labels.to(device)[valued])
                order = order_loss(scores, batch.order_keys.to(device), batch.clips.to(device))
                loss = loss + schedule.order_weight * order
                if distillation:
                    loss = loss + distillation(batch.rows, scores, features)
                if not torch.isfinite(loss):
                    raise RecipeError(
                        f"The loss is not finite after {step} steps: start another --run with a lower --rate."
                    )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
                step += 1
                follow(average, network, min(0.998, (1 + step) / (10 + step)))
                losses = [*losses[-299:], loss.item()]
                progress.update(bar, completed=step, description=f"loss {np.mean(losses[-100:]):.3f}")
                looks = step % -(-steps // LOOKS) == 0 or step == steps
                if looks or step % -(-steps // LOG_ROWS) == 0:
                    row: dict[str, Any] = {
                        "step": step,
                        "stage": stage.name,
                        "loss": float(np.mean(losses)),
                        "rate": schedule.rate_at(step - 1),
                        "s_a_step": round((time.monotonic() - timed_at) / (step - timed_step), 4),
                    }
                    if looks and len(watch):
                        seen = predict(average, crops, watch, device).astype(np.float64)
                        row |= watched(seen, crops.labels[watch].astype(np.float64))
                        progress.console.print({k: _short(v) for k, v in row.items()})
                    write_row(log, row)
                    timed_at, timed_step = time.monotonic(), step
                if time.monotonic() - saved_at > schedule.save_every_s or step == steps:
                    save(log.tell())
                    saved_at = time.monotonic()
                if step >= stage.end_step:
                    break
    draw_curves([{"stage": ""} | row for row in read_log(log_path)], folder / "curves.png")
    return average


@torch.no_grad()
def predict(
    network: torch.nn.Module, crops: CropSet, chosen: npt.NDArray[np.intp], device: torch.device
) -> npt.NDArray[np.float32]:
    """Return the network's score, float32 (n,), of the chosen crops."""
    network.eval()
    scores = [
        network(torch.from_numpy(np.stack([crops[int(i)] for i in chosen[at : at + BATCH]])).to(device))
        .cpu()
        .numpy()
        for at in range(0, len(chosen), BATCH)
    ]
    return np.concatenate(scores)


def _short(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value
