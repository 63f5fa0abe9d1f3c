"""Train a student on labelled crops.

    python -m facegauge_training.student --cache ~/.cache/facegauge --run mobilenetv3-small --samples 400000

Two stages in one cosine: random patches at full scale first (fast), whole crops in the end. AdamW, MSE +
PLCC and the order within each clip, an exponential average of the weights; 1/16 of the train photos is held
out and watched. A checkpoint a minute: the same command goes on after a kill. On two cores some 60 whole
crops, or 130 patches, a second.
"""

from __future__ import annotations

import copy
import json
import math
import time
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from scipy.stats import pearsonr, spearmanr

from facegauge_models.students import FaceStudent
from facegauge_training.dataset import batches, held_out
from facegauge_training.labels import train_stores
from facegauge_training.losses.mse_plcc import MSEPLCCLoss
from facegauge_training.losses.order import ClipOrderLoss
from facegauge_training.store import CropSet

__all__ = ["main", "predict"]

BATCH = 32
WARM_UP = 0.05
PATCH = 2 / 3
ORDER_WEIGHT = 0.1


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--run", default="student", show_default=True, help="Folder of this training below CACHE/runs.")
@click.option("--backbone", default="mobilenetv3_small_100", show_default=True, help="Of timm.")
@click.option("--start-from", type=click.Path(path_type=Path, exists=True), help="Weights of an earlier run.")
@click.option("--samples", type=click.IntRange(min=BATCH), default=400_000, show_default=True)
@click.option(
    "--patch-share", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Of the samples."
)
@click.option("--rate", type=float, default=2e-3, show_default=True, help="Highest learning rate.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(
    cache: Path,
    run: str,
    backbone: str,
    start_from: Path | None,
    samples: int,
    patch_share: float,
    rate: float,
    seed: int,
    threads: int,
) -> None:
    """Train a student."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = cache.expanduser() / "runs" / run
    folder.mkdir(parents=True, exist_ok=True)

    # --- data
    crops = CropSet(train_stores(cache.expanduser()))
    aside = held_out(crops)
    train, watch = np.flatnonzero(~aside), np.flatnonzero(aside)[:: max(1, int(aside.sum()) // 600)]
    click.echo(
        f"{len(train)} crops to train on, {len(watch)} held-out ones watched, mean {crops.labels.mean():.3f}"
    )

    # --- network and its average
    student = FaceStudent(backbone).to(device).to(memory_format=torch.channels_last)
    seen_before = 0
    if start_from:
        earlier = torch.load(start_from, map_location=device)
        new = student.state_dict()
        known = {n: w for n, w in earlier["weights"].items() if n in new and w.shape == new[n].shape}
        missing = student.load_state_dict(known, strict=False).missing_keys
        click.echo(f"started from {start_from}, but for {', '.join(missing) or 'nothing'}")
        seen_before = int(earlier["samples"])
    average = copy.deepcopy(student).eval()
    plain = [p for p in student.parameters() if p.ndim < 2]
    decayed = [p for p in student.parameters() if p.ndim >= 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 1e-2}, {"params": plain, "weight_decay": 0.0}]
    )
    value_loss, order_loss = MSEPLCCLoss(), ClipOrderLoss()
    steps = samples // BATCH
    patch_steps = round(steps * patch_share)
    step = 0
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.is_file():
        saved = torch.load(checkpoint, map_location=device)
        student.load_state_dict(saved["student"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
        click.echo(f"going on at step {step} of {steps}")

    # --- steps
    saved_at, losses = time.monotonic(), []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress, (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        bar = progress.add_task("training", total=steps, completed=step)
        while step < steps:
            patched = step < patch_steps
            end = patch_steps if patched else steps
            for batch in batches(crops, train, BATCH, seed, step, PATCH if patched else 1.0):
                share = step / steps
                now = min(1.0, share / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * share)) * rate
                for group in optimizer.param_groups:
                    group["lr"] = max(now, 1e-6)
                student.train()
                scores = student(batch.pixels.to(device))
                valued = batch.valued.to(device)
                loss = value_loss(scores[valued], batch.labels.to(device)[valued])
                loss = loss + ORDER_WEIGHT * order_loss(
                    scores, batch.order_keys.to(device), batch.clips.to(device)
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
                optimizer.step()
                step += 1
                follow(average, student, min(0.998, (1 + step) / (10 + step)))
                losses.append(loss.item())
                progress.update(bar, completed=step, description=f"loss {np.mean(losses[-100:]):.3f}")
                if time.monotonic() - saved_at > 60 or step == steps:
                    state = {"student": student.state_dict(), "average": average.state_dict()}
                    torch.save({**state, "optimizer": optimizer.state_dict(), "step": step}, checkpoint)
                    saved_at = time.monotonic()
                if step % max(1, steps // 12) == 0 or step == steps:
                    seen = predict(average, crops, watch, device)
                    row = {
                        "step": step,
                        "loss": float(np.mean(losses[-300:])),
                        "rate": now,
                        **agreement(seen, crops.labels[watch]),
                    }
                    log.write(json.dumps(row) + "\n")
                    log.flush()
                    progress.console.print({k: round(v, 5) for k, v in row.items()})
                if step >= end:
                    break
    told = {"backbone": backbone, "samples": seen_before + samples, "crops": len(train)}
    torch.save({"weights": average.state_dict(), **told}, folder / "student.pt")
    click.echo(f"{folder / 'student.pt'} holds the averaged weights")


@torch.no_grad()
def follow(average: torch.nn.Module, student: torch.nn.Module, keep: float) -> None:
    """Move the average's weights and statistics a step of 1 - `keep` towards the student's."""
    for kept, new in zip(average.state_dict().values(), student.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - keep)
        else:
            kept.copy_(new)


@torch.no_grad()
def predict(
    student: torch.nn.Module, crops: CropSet, chosen: npt.NDArray[np.intp], device: torch.device
) -> npt.NDArray[np.float32]:
    """Return the student's score, float32 (n,), of the chosen crops."""
    student.eval()
    scores = [
        student(torch.from_numpy(np.stack([crops[int(i)] for i in chosen[at : at + BATCH]])).to(device))
        .cpu()
        .numpy()
        for at in range(0, len(chosen), BATCH)
    ]
    return np.concatenate(scores)


def agreement(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.float32]) -> dict[str, float]:
    """Return SROCC, PLCC and RMSE of scores (n,) against labels (n,)."""
    rmse = float(np.sqrt(np.mean((scores - labels) ** 2)))
    return {
        "srocc": float(spearmanr(scores, labels)[0]),
        "plcc": float(pearsonr(scores, labels)[0]),
        "rmse": rmse,
    }


if __name__ == "__main__":
    main()
