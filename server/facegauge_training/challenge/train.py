"""Train any of the challenge's fourteen systems, or a teacher, on a folder of pictures with scores.

    python -m facegauge_training.challenge.train --system ecnu-sjtu --images DIR --labels CSV
    python -m facegauge_training.challenge.train --system 2077agent --images DIR --labels CSV --teacher T/model.pt
    python -m facegauge_training.challenge.train --system regnet --images DIR --labels CSV --budget 0.02

The CSV has the columns image,score (0-1) and perhaps group. Loss, optimiser, schedule, stages, sizes and
augmentation are the team's (`challenge/recipes.py` says what the report leaves open). On a CPU, `--budget 0.02`
goes through the same schedule in a fiftieth of the steps, `--steps 500` in so many. RUN gets checkpoint.pt
(every minute: the same command goes on after a kill, as if there had been none), log.jsonl, curves.png,
model.pt, model.onnx and result.json.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch

from facegauge_training.challenge.recipes import RECIPES
from facegauge_training.challenge.start import Asked, run_training

__all__ = ["main"]

PATH = click.Path(path_type=Path)


@click.command()
@click.option("--system", required=True, help=f"One of: {', '.join(RECIPES)}.")
@click.option("--images", type=PATH, required=True, help="Folder of pictures.")
@click.option(
    "--labels", type=PATH, required=True, help="CSV with the columns image,score and perhaps group."
)
@click.option("--run", type=PATH, help="Folder for results.  [default: ~/.cache/facegauge/zoo/SYSTEM]")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--budget",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the recipe's steps; the schedule shrinks with them.",
)
@click.option("--steps", type=click.IntRange(min=2), help="So many steps in all, instead of a share.")
@click.option("--batch", type=click.IntRange(min=2), help="Pictures a step, instead of the recipe's.")
@click.option("--pretrained", is_flag=True, help="Start the backbone from published weights.")
@click.option("--start-from", type=PATH, help="Start from the model.pt of an earlier run.")
@click.option("--teacher", type=PATH, help="model.pt or ONNX file of a teacher, for recipes with one.")
@click.option("--unlabelled", type=PATH, help="Folder of pictures that the teacher labels, for ecnu-sjtu.")
@click.option("--without-teacher", is_flag=True, help="Learn from the labels alone, and say so.")
@click.option("--skip-bad", is_flag=True, help="Leave bad lines of the CSV out instead of stopping.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--save-every",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds between checkpoints; 0: after each step.",
)
def main(
    system: str,
    images: Path,
    labels: Path,
    run: Path | None,
    seed: int,
    budget: float,
    steps: int | None,
    batch: int | None,
    pretrained: bool,
    start_from: Path | None,
    teacher: Path | None,
    unlabelled: Path | None,
    without_teacher: bool,
    skip_bad: bool,
    threads: int,
    save_every: float,
) -> None:
    """Train a system of the challenge by its team's recipe."""
    torch.set_num_threads(threads)
    if steps is not None and budget != 1.0:
        raise click.UsageError("--budget and --steps both say how long: give one of them.")
    folder = run or Path("~/.cache/facegauge/zoo").expanduser() / system
    asked = Asked(
        system, images, labels, folder, seed, budget, steps, batch, pretrained, start_from, teacher,
        unlabelled, without_teacher, skip_bad, save_every,
    )  # fmt: skip
    result = run_training(asked, click.echo)
    score = "not defined" if result["score"] is None else f"{result['score']:.4f}"
    watched = "the watched rows (trained on at last)" if result["watched_trained_on"] else "the watched rows"
    click.echo(
        f"{folder}: loss {result['first_loss']:.4f} -> {result['last_loss']:.4f}, Score {score} on "
        f"{watched}, ONNX and torch {result['onnx_torch_difference']:.0e} apart"
    )


if __name__ == "__main__":
    main()
