"""The training loop of students, teachers and the challenge's systems. `train` reads from top to bottom.

What is trained, on which batches and towards what, is a `Task`. The loop takes the steps, and keeps them: a
log row every few steps, validation, a checkpoint a minute. A killed run that is started again ends with the
weights it would have had.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import (
    load_checkpoint,
    lock_run,
    open_log,
    random_state,
    restore_random_state,
    save_atomically,
    write_row,
)

__all__ = ["Task", "train"]

MAX_GRADIENT_NORM = 5.0
LOG_ROWS = 300
"""Rows of the log in a training, at most, besides those with validation metrics."""

B = TypeVar("B")


class Task(Protocol[B]):
    """What a training does in each step; the loop calls its methods in the order in which they stand here."""

    @property
    def name(self) -> str:
        """Name in the progress bar."""

    @property
    def network(self) -> nn.Module:
        """Network that is trained."""

    @property
    def clipped(self) -> Iterable[Iterable[nn.Parameter]]:
        """Groups of its parameters; the gradients of each are clipped by their own norm."""

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Optimizer of the current stage."""

    @property
    def step(self) -> int:
        """Steps done, in all stages; in a stage that ended early, those that were left out are counted."""

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""

    @property
    def advice(self) -> str:
        """What a person can do when the loss is not finite, for instance "give a lower --rate"."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Resume from what `state` returned."""
        ...

    def batches(self) -> Iterator[B]:
        """Yield the batches from the current step on to the last, moving from stage to stage."""
        ...

    def loss(self, batch: B) -> torch.Tensor:
        """Set the rates of this step and return its loss, a scalar."""
        ...

    def advance(self) -> None:
        """Count the step that the optimizer has taken, and move averages on."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return stage, rate and the like of the step just taken, for its row of the log."""
        ...

    def validate(self) -> dict[str, Any] | None:
        """Return metrics on held-out rows where they are due after the step just taken, else None."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that a checkpoint must hold of the task."""
        ...


def train(
    task: Task[Any],
    folder: Path,
    identity: Mapping[str, Any],
    device: torch.device,
    *,
    save_every_s: float = 60.0,
) -> list[float]:
    """Train to the end, or from the folder's checkpoint on to the end.

    Args:
        task: what to train.
        folder: gets run.lock, checkpoint.pt and log.jsonl; made if it is missing.
        identity: settings that a resumed run must share.
        device: on which the task trains.
        save_every_s: seconds between checkpoints; 0 saves after every step.

    Returns:
        The loss of every step taken, those before a resume among them.

    Raises:
        RecipeError: the loss is not finite, the checkpoint is broken or another training's, or another
            process
            trains in the folder.
    """
    with lock_run(folder):
        # --- where it was
        checkpoint = folder / "checkpoint.pt"
        saved = load_checkpoint(checkpoint, identity, device)
        losses: list[float] = []
        log_length = 0
        if saved:
            losses, log_length = saved["losses"], saved["log_length"]
            task.load_state(saved["task"])
            restore_random_state(saved["random"], device)

        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}")
        with (
            Progress(*columns, TimeRemainingColumn()) as progress,
            open_log(folder / "log.jsonl", log_length) as log,
        ):
            if saved:
                progress.console.print(f"resumed at step {task.step} of {task.total_steps}")
            bar = progress.add_task(task.name, total=task.total_steps, completed=task.step)
            log_every = -(-task.total_steps // LOG_ROWS)
            saved_at = logged_at = time.monotonic()
            logged_step = task.step

            def save() -> None:
                state = {
                    "identity": dict(identity),
                    "losses": losses,
                    "log_length": log.tell(),
                    "task": task.state(),
                    "random": random_state(device),
                }
                save_atomically(state, checkpoint)

            for batch in task.batches():
                # --- a step
                task.network.train()
                loss = task.loss(batch)
                if not torch.isfinite(loss):
                    raise RecipeError(
                        f"The loss of {task.name} is not finite after {task.step} steps: {task.advice}."
                    )
                task.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                for parameters in task.clipped:
                    nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
                task.optimizer.step()
                losses.append(float(loss.detach()))
                task.advance()

                # --- what is known of it
                metrics = task.validate()
                if metrics is not None or task.step % log_every == 0:
                    mean_loss = float(np.mean(losses[-log_every:]))
                    now = time.monotonic()
                    row = {"step": task.step, **task.describe(), "loss": mean_loss}
                    row["s_per_step"] = round((now - logged_at) / max(1, task.step - logged_step), 4)
                    write_row(log, row | (metrics or {}))
                    logged_at, logged_step = now, task.step
                    progress.update(bar, description=f"{task.name} loss {mean_loss:.4f}")
                    if metrics is not None:
                        progress.console.print(_in_words(row | metrics), soft_wrap=True)
                progress.update(bar, completed=task.step)
                if time.monotonic() - saved_at >= save_every_s:
                    save()
                    saved_at = time.monotonic()
            save()
    return losses


def _in_words(row: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
