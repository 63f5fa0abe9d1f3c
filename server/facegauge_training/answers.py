"""Ask a teacher about every labelled crop, once, for the students that will learn from it.

    python -m facegauge_training.answers --teacher teacher-2 --pseudo-round 2

Writes its score and its features, float16 (crops, 1 + features), a file a source, below CACHE/answers: of all
rounds of labels and of one round of self-training. Resumes after a kill; a second run finds everything there.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import click
import numpy as np
import torch
from rich.progress import track

from facegauge_training.crop_set import CropSet
from facegauge_training.distillation import answer_path
from facegauge_training.labels import train_stores
from facegauge_training.store import pseudo_stores
from facegauge_training.trained import load_trained

__all__ = ["main"]


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--teacher", default="teacher-2", show_default=True, help="Its run.")
@click.option("--pseudo-round", type=click.IntRange(min=1), help="Round of self-training to ask about too.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@torch.no_grad()
def main(cache: Path, teacher: str, pseudo_round: int | None, threads: int) -> None:
    """Ask a teacher about every labelled crop."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cache = cache.expanduser()
    trained = load_trained(cache / "runs" / teacher / "teacher.pt")
    network = trained.network.to(device).to(memory_format=torch.channels_last)
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, pseudo_round)], trained.width)
    places = groupby(range(len(crops)), lambda i: answer_path(cache, trained.name, crops.rows[i]))
    missing = [(path, list(numbers)) for path, numbers in places if not path.is_file()]
    for path, numbers in track(missing, f"asking {trained.name}"):
        pixels = torch.from_numpy(np.stack([crops[i] for i in numbers])).to(device)
        features = network.features(pixels)
        answer = torch.cat((network.score(features)[:, None], features), dim=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, answer.cpu().numpy().astype(np.float16))
        unfinished.replace(path)
    click.echo(f"{trained.name}: {len(crops)} crops, {len(missing)} sources asked about now")


if __name__ == "__main__":
    main()
