r"""Train a student on labelled crops, and on what a teacher says of them.

    python -m facegauge_training.fitting.train_student --cache ~/.cache/facegauge --run mobilenetv3-small --samples 400000
    python -m facegauge_training.fitting.train_student --run edgenext --backbone edgenext_xx_small --teacher teacher-2 \
        --pseudo-round 2

With `--teacher` it takes over the teacher's scores and features, which `facegauge_training.fitting.teacher_outputs` has asked
for; with `--pseudo-round` the crops that a teacher labelled in that round are trained on too. See `fit` for
how. One photo in 16 is held out and watched. The same command goes on after a kill. Leaves student.pt,
log.jsonl and curves.png in CACHE/runs/RUN. MobileNetV3-Small on two cores: some 60 whole crops, or 130
patches, a second.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

from facegauge_training.data.crop_set import CROP_WIDTH, CropSet, crop_height
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.store import pseudo_stores
from facegauge_training.fitting.checkpoint import load_trained, new_network, save_trained, start_from_weights
from facegauge_training.fitting.distillation import Distillation, read_answers
from facegauge_training.fitting.fit import fit, predict
from facegauge_training.fitting.loader import split_crops
from facegauge_training.fitting.schedule import BATCH, Schedule

__all__ = ["main", "predict"]

ORDER_WEIGHT = 0.2


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--run", default="student", show_default=True, help="Folder of this training below CACHE/runs.")
@click.option("--backbone", default="mobilenetv3_small_100", show_default=True, help="Of timm.")
@click.option(
    "--initialisation", type=click.Choice(["random", "imagenet"]), default="random", show_default=True
)
@click.option(
    "--width",
    type=click.IntRange(96, CROP_WIDTH),
    default=CROP_WIDTH,
    show_default=True,
    help="Of its crops, px; 4/3 as high.",
)
@click.option("--start-from", type=click.Path(path_type=Path, exists=True), help="Weights of an earlier run.")
@click.option("--teacher", help="Run of a teacher to learn from.")
@click.option("--pseudo-round", type=click.IntRange(min=1), help="Round of self-training whose crops join.")
@click.option("--samples", type=click.IntRange(min=BATCH), default=400_000, show_default=True)
@click.option(
    "--patch-share",
    type=click.FloatRange(0, 1),
    default=0.6,
    show_default=True,
    help="Of the samples: patches of two thirds of the side.",
)
@click.option(
    "--small-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Of the samples, first: patches of a third.",
)
@click.option("--rate", type=float, default=2e-3, show_default=True, help="Highest learning rate.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(
    cache: Path,
    run: str,
    backbone: str,
    initialisation: str,
    width: int,
    start_from: Path | None,
    teacher: str | None,
    pseudo_round: int | None,
    samples: int,
    patch_share: float,
    small_share: float,
    rate: float,
    seed: int,
    threads: int,
) -> None:
    """Train a student."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cache = cache.expanduser()
    folder = cache / "runs" / run

    # --- data
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, pseudo_round)], width)
    train, watch = split_crops(crops)
    click.echo(
        f"{len(train)} crops of {width}x{crop_height(width)} px to train on, {int(crops.pseudo.sum())} of "
        f"them labelled by a teacher, {len(watch)} held-out ones watched, mean {crops.labels.mean():.3f}"
    )

    # --- network and teacher
    student = new_network(backbone, initialisation, seed)
    seen_before = 0
    if start_from:
        seen_before, missing = start_from_weights(student, start_from)
        click.echo(f"started from {start_from}, but for {', '.join(missing) or 'nothing'}")
    distillation, teacher_name = None, "none"
    if teacher:
        teacher_name = load_trained(cache / "runs" / teacher / "teacher.pt").name
        scores, features = read_answers(cache, teacher_name, crops)
        distillation = Distillation(scores, features, student.hidden)
        asked = np.isfinite(scores[train]).mean()
        click.echo(f"learning from {teacher_name}, which was asked about {asked:.0%} of them")

    # --- training and what it leaves
    if small_share + patch_share > 1:
        raise click.UsageError("--small-share and --patch-share are more than 1 together: lower one")
    schedule = Schedule(samples, patch_share, rate, seed, ORDER_WEIGHT, small_share=small_share)
    folder.mkdir(parents=True, exist_ok=True)
    average = fit(student, crops, train, watch, folder, schedule, device, distillation)
    told = {
        "backbone": backbone,
        "samples": seen_before + samples,
        "crops": len(train),
        "width": width,
        "initialisation": f"{start_from.parent.name}/{start_from.name}" if start_from else initialisation,
        "teacher": teacher_name,
        "seed": seed,
    }
    save_trained(folder / "student.pt", average, crops, told)
    click.echo(f"{folder / 'student.pt'} holds the averaged weights")


if __name__ == "__main__":
    main()
