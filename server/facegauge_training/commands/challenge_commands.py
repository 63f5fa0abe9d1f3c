"""Subcommands for systems and pictures: challenge, evaluate-images, scored-images, winner."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console

from facegauge_training.challenge.onnx_file import score_pictures
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.challenge.scored_images import write_scored_images
from facegauge_training.challenge.start import ChallengeOptions, run_training
from facegauge_training.challenge.team_recipes import RECIPES
from facegauge_training.challenge.winner import TEACHERS, WinnerOptions, train_winner
from facegauge_training.commands.options import (
    FOLDER,
    cache_option,
    run_option,
    seed_option,
    start_from_option,
    teacher_option,
    threads_option,
)
from facegauge_training.common.atomic import write_json
from facegauge_training.common.metrics import challenge_report
from facegauge_training.common.runs import find_network, run_folder

__all__ = ["challenge", "evaluate_images", "scored_images", "winner"]

images_option = click.option("--images", type=FOLDER, required=True, help="Folder of pictures.")
labels_option = click.option(
    "--labels", type=FOLDER, required=True, help="CSV with the columns image,score (0-1) and perhaps group."
)
pretrained_option = click.option(
    "--pretrained", is_flag=True, help="Start the backbone from published weights."
)


least_rate_option = click.option(
    "--least-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="For a short training: the first rate is lifted to it, others alike, and all fall more smoothly.",
)


@click.command()
@click.option("--system", required=True, help=f"One of: {', '.join(RECIPES)}.")
@images_option
@labels_option
@cache_option
@run_option(help="Name of the run: its folder below CACHE/runs.  [default: the system's name]")
@seed_option
@click.option(
    "--budget",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the recipe's steps; the schedule shrinks with them.",
)
@click.option("--steps", type=click.IntRange(min=2), help="Number of steps in all, instead of a share.")
@click.option("--batch", type=click.IntRange(min=2), help="Pictures a step, instead of the recipe's.")
@pretrained_option
@start_from_option
@teacher_option("Teacher for recipes with one: model.pt, or an ONNX file, which gives scores alone.")
@click.option("--unlabelled", type=FOLDER, help="Folder of pictures that the teacher labels, for ecnu-sjtu.")
@click.option("--without-teacher", is_flag=True, help="Learn from the labels alone, and say so.")
@click.option("--extra-images", type=FOLDER, help="Folder of the other data set, for recipes with one.")
@click.option("--extra-labels", type=FOLDER, help="Its CSV, as --labels; scores on the same scale.")
@click.option("--skip-bad", is_flag=True, help="Leave bad lines of the CSV out instead of stopping.")
@least_rate_option
@threads_option
@click.option(
    "--save-every",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds between checkpoints; 0: after each step.",
)
def challenge(
    system: str,
    images: Path,
    labels: Path,
    cache: Path,
    run: str | None,
    seed: int,
    budget: float,
    steps: int | None,
    batch: int | None,
    pretrained: bool,
    start_from: str | None,
    teacher: str | None,
    unlabelled: Path | None,
    without_teacher: bool,
    extra_images: Path | None,
    extra_labels: Path | None,
    skip_bad: bool,
    least_rate: float | None,
    threads: int,
    save_every: float,
) -> None:
    """Train a system of the challenge by its team's recipe, on a folder of pictures with scores.

    Loss, optimiser, schedule, stages, sizes and augmentation are the team's. On a CPU, --budget 0.02 goes
    through the same schedule in a fiftieth of the steps. The same command resumes after a kill. Leaves
    model.pt, model.onnx, result.json, log.jsonl and curves.png in CACHE/runs/RUN.
    """
    torch.set_num_threads(threads)
    if steps is not None and budget != 1.0:
        raise click.UsageError("--budget and --steps both say how long: give one of them.")
    if (extra_images is None) != (extra_labels is None):
        raise click.UsageError("--extra-images and --extra-labels go together: give both.")
    folder = run_folder(cache, run or system)
    options = ChallengeOptions(
        system,
        images,
        labels,
        folder,
        seed,
        budget,
        steps,
        batch,
        pretrained,
        find_network(cache, start_from) if start_from else None,
        find_network(cache, teacher, "--teacher") if teacher else None,
        unlabelled,
        without_teacher,
        skip_bad,
        save_every,
        extra=(extra_images, extra_labels) if extra_images and extra_labels else None,
        least_rate=least_rate,
    )
    result = run_training(options, click.echo)
    score = "not defined" if result["score"] is None else f"{result['score']:.4f}"
    rows = "the validation rows" + (
        " (the last stage trained on them)" if result["validation_trained_on"] else ""
    )
    click.echo(
        f"{folder}: loss {result['first_loss']:.4f} -> {result['last_loss']:.4f}, Score {score} on {rows}, "
        f"ONNX and torch {result['onnx_torch_difference']:.0e} apart"
    )


@click.command("evaluate-images")
@click.option("--model", type=FOLDER, required=True, help="A system or a student, as ONNX.")
@images_option
@labels_option
@click.option(
    "--patches",
    type=click.IntRange(min=1),
    help="For the baseline: mean over so many random patches (the report's better one: 20), not the centre.",
)
@click.option("--json", "json_path", type=FOLDER, help="Also write the figures to this file.")
def evaluate_images(
    model: Path, images: Path, labels: Path, patches: int | None, json_path: Path | None
) -> None:
    """Measure any model on pictures with scores, as the challenge's report does.

    SROCC, PLCC raw and after a logistic fit, RMSE, and Score = (SROCC + PLCC) / 2 with either PLCC; 95%
    intervals by bootstrap over groups.
    """
    pictures = read_pictures(images, labels)
    scores = score_pictures(model, pictures, patches=patches)
    figures = challenge_report(scores, pictures.scores.astype(np.float64), pictures.groups)
    Console().print(figures)
    if json_path:
        write_json(json_path, figures)


@click.command("scored-images")
@cache_option
@click.option("--out", type=FOLDER, required=True, help="Folder to write.")
@click.option(
    "--count", type=click.IntRange(min=1), default=8000, show_default=True, help="Crops to train on."
)
@click.option(
    "--held-out-count",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    help="Crops that the student never trains on.",
)
@click.option(
    "--val-faces",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Faces of the ladder, in all steps.",
)
@seed_option
def scored_images(cache: Path, out: Path, count: int, held_out_count: int, val_faces: int, seed: int) -> None:
    """Write pictures and CSVs of scores from the student's labels, for `challenge` and `table1`."""
    write_scored_images(cache, out, count, held_out_count, val_faces, seed, click.echo)


@click.command()
@images_option
@labels_option
@click.option(
    "--unlabelled",
    type=FOLDER,
    multiple=True,
    required=True,
    help="Folder of pictures: give two, one a round.",
)
@click.option(
    "--teacher-backbone",
    "teacher",
    type=click.Choice(TEACHERS),
    default="swin-b",
    show_default=True,
    help="Swin-B is the report's and wants a GPU; EfficientNet-Lite0's weights come with the package.",
)
@click.option(
    "--random-teacher", is_flag=True, help="Let the teacher begin at random, where no weights are to be had."
)
@cache_option
@run_option("winner")
@start_from_option
@seed_option
@click.option(
    "--budget",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the recipes' steps.",
)
@click.option("--teacher-steps", type=click.IntRange(min=2), help="Steps of each teacher, instead.")
@click.option("--student-steps", type=click.IntRange(min=2), help="Steps of the student, instead.")
@least_rate_option
@threads_option
def winner(
    images: Path,
    labels: Path,
    unlabelled: tuple[Path, ...],
    teacher: str,
    random_teacher: bool,
    cache: Path,
    run: str,
    start_from: str | None,
    seed: int,
    budget: float,
    teacher_steps: int | None,
    student_steps: int | None,
    least_rate: float | None,
    threads: int,
) -> None:
    """Go the whole way of the challenge's winner: teacher, two rounds of pseudo-labels, student.

    The teacher learns the labels, labels the first folder, learns again from both, labels the second; the
    student learns from all. The same command goes on after a kill at any stage. Leaves teacher-0, teacher-1,
    student and report.md in CACHE/runs/RUN.
    """
    torch.set_num_threads(threads)
    if len(unlabelled) != 2:
        raise click.UsageError(
            f"--unlabelled was given {len(unlabelled)} times: give two folders, one a round."
        )
    options = WinnerOptions(
        images,
        labels,
        (unlabelled[0], unlabelled[1]),
        run_folder(cache, run),
        teacher,
        not random_teacher,
        find_network(cache, start_from) if start_from else None,
        seed,
        budget,
        teacher_steps,
        student_steps,
        least_rate,
    )
    stages = train_winner(options, click.echo)
    scores = ", ".join(
        f"{name} {'not defined' if row['score'] is None else format(row['score'], '.4f')}"
        for name, row in stages.items()
    )
    click.echo(f"{options.folder / 'report.md'}: Score of {scores}")
