"""Subcommands that train on labelled crops: teacher, student, cause-head, pseudo-label, teacher-outputs."""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import torch

from facegauge_training.commands.options import (
    FOLDER,
    batch_option,
    cache_option,
    faces_option,
    pseudo_round_option,
    round_option,
    run_option,
    seed_option,
    start_from_option,
    teacher_option,
    threads_option,
)
from facegauge_training.common.runs import find_network
from facegauge_training.data.crop_set import CROP_WIDTH, CropSet
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import pseudo_store, pseudo_stores
from facegauge_training.fitting.cause_head import CauseHeadOptions, train_cause_head
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.fitting.schedule import BATCH, Schedule
from facegauge_training.fitting.teacher_outputs import compute_teacher_outputs
from facegauge_training.fitting.training import TrainingOptions, train_on_labels
from facegauge_training.self_training.leakage import Unseen
from facegauge_training.self_training.pseudo_label import label_by_teacher
from facegauge_training.self_training.unlabelled import read_videos

__all__ = ["cause_head", "pseudo_label", "student", "teacher", "teacher_outputs"]

STUDENT_ORDER_WEIGHT = 0.2
TEACHER_ORDER_WEIGHT = 0.1
PATCH_SHARE_HELP = "Share of the samples that are patches of two thirds of the side."
RATE_HELP = "Highest learning rate."
SAMPLES_HELP = "Crops and patches to train on."


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@click.command()
@cache_option
@run_option("teacher-0")
@click.option(
    "--backbone", default="tf_efficientnet_lite2", show_default=True, help="timm's name of the backbone."
)
@click.option(
    "--initialisation",
    type=click.Choice(["imagenet", "random"]),
    default="imagenet",
    show_default=True,
    help="Weights to begin with; unused with --start-from.",
)
@start_from_option
@pseudo_round_option
@click.option(
    "--train-samples", type=click.IntRange(min=BATCH), default=60_000, show_default=True, help=SAMPLES_HELP
)
@click.option(
    "--patch-share", type=click.FloatRange(0, 1), default=0.7, show_default=True, help=PATCH_SHARE_HELP
)
@click.option("--rate", type=float, default=1e-3, show_default=True, help=RATE_HELP)
@click.option(
    "--backbone-rate",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.2,
    show_default=True,
    help="The backbone's learning rate as a share of the head's.",
)
@batch_option
@seed_option
@threads_option
def teacher(
    cache: Path,
    run: str,
    backbone: str,
    initialisation: str,
    start_from: str | None,
    pseudo_round: int | None,
    train_samples: int,
    patch_share: float,
    rate: float,
    backbone_rate: float,
    batch: int,
    seed: int,
    threads: int,
) -> None:
    """Train a teacher: a network too heavy for a call, which labels faces and teaches students.

    By default EfficientNet-Lite2 from ImageNet's weights, which two cores can train in a night; on a GPU any
    of timm's, for instance --backbone convnext_small.fb_in22k_ft_in1k. With --pseudo-round it also learns
    from the crops that the teacher before it labelled (self-training). The same command resumes after a kill.
    Leaves teacher.pt, log.jsonl and curves.png in CACHE/runs/RUN.
    """
    torch.set_num_threads(threads)
    schedule = Schedule(
        train_samples,
        patch_share,
        rate,
        seed,
        TEACHER_ORDER_WEIGHT,
        backbone_rate=backbone_rate,
        batch=batch,
    )
    options = TrainingOptions(
        cache, run, "teacher", backbone, initialisation, CROP_WIDTH, schedule, start_from, None, pseudo_round
    )
    click.echo(f"{train_on_labels(options, click.echo)} holds the averaged weights")


@click.command()
@cache_option
@run_option("student")
@click.option(
    "--backbone", default="mobilenetv3_small_100", show_default=True, help="timm's name of the backbone."
)
@click.option(
    "--initialisation",
    type=click.Choice(["random", "imagenet"]),
    default="random",
    show_default=True,
    help="Weights to begin with; unused with --start-from.",
)
@click.option(
    "--width",
    type=click.IntRange(96, CROP_WIDTH),
    default=CROP_WIDTH,
    show_default=True,
    help="Width of its crops, px; they are 4/3 as high.",
)
@start_from_option
@teacher_option("Teacher to learn from, whose outputs `teacher-outputs` has computed.")
@pseudo_round_option
@click.option(
    "--train-samples", type=click.IntRange(min=BATCH), default=400_000, show_default=True, help=SAMPLES_HELP
)
@click.option(
    "--patch-share", type=click.FloatRange(0, 1), default=0.6, show_default=True, help=PATCH_SHARE_HELP
)
@click.option(
    "--small-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the samples that are patches of a third of the side, before all others.",
)
@click.option("--rate", type=float, default=2e-3, show_default=True, help=RATE_HELP)
@batch_option
@seed_option
@threads_option
def student(
    cache: Path,
    run: str,
    backbone: str,
    initialisation: str,
    width: int,
    start_from: str | None,
    teacher: str | None,
    pseudo_round: int | None,
    train_samples: int,
    patch_share: float,
    small_share: float,
    rate: float,
    batch: int,
    seed: int,
    threads: int,
) -> None:
    """Train a student on labelled crops, and on a teacher's outputs for them.

    One photo in 16 is held out for validation. The same command resumes after a kill. Leaves student.pt,
    log.jsonl and curves.png in CACHE/runs/RUN. MobileNetV3-Small on two cores: some 60 whole crops, or 130
    patches, a second.
    """
    if small_share + patch_share > 1:
        raise click.UsageError("--small-share and --patch-share are more than 1 together: lower one.")
    torch.set_num_threads(threads)
    schedule = Schedule(
        train_samples, patch_share, rate, seed, STUDENT_ORDER_WEIGHT, small_share=small_share, batch=batch
    )
    options = TrainingOptions(
        cache, run, "student", backbone, initialisation, width, schedule, start_from, teacher, pseudo_round
    )
    click.echo(f"{train_on_labels(options, click.echo)} holds the averaged weights")


@click.command("cause-head")
@cache_option
@run_option(required=True)
@click.option("--start-from", metavar="RUN|FILE", required=True, help="Student whose scores are to stay.")
@teacher_option("Teacher to learn from, whose outputs `teacher-outputs` has computed.", required=True)
@click.option(
    "--epochs", type=click.IntRange(min=1), default=60, show_default=True, help="Times to see each crop."
)
@click.option("--rate", type=float, default=2e-3, show_default=True, help=RATE_HELP)
@seed_option
@threads_option
def cause_head(
    cache: Path, run: str, start_from: str, teacher: str, epochs: int, rate: float, seed: int, threads: int
) -> None:
    """Train a student's second output alone: its scores stay, and it learns to say why.

    From measured causes, and a teacher's where there are none. Minutes on one core. Leaves student.pt in
    CACHE/runs/RUN.
    """
    torch.set_num_threads(threads)
    options = CauseHeadOptions(cache, run, start_from, teacher, epochs, rate, seed)
    click.echo(f"{train_cause_head(options, click.echo)} has the same scores, and new causes")


@click.command("pseudo-label")
@faces_option
@click.option("--videos", type=FOLDER, help="Folder of videos with an index.csv.")
@cache_option
@round_option
@teacher_option("Teacher that labels.", required=True)
@click.option("--limit", type=click.IntRange(min=1), help="Use only this many photos.")
@click.option(
    "--moments", type=click.IntRange(min=1), default=8, show_default=True, help="Moments of each video."
)
@threads_option
def pseudo_label(
    faces: Path,
    videos: Path | None,
    cache: Path,
    round_: int,
    teacher: str,
    limit: int | None,
    moments: int,
    threads: int,
) -> None:
    """Let a teacher label faces that cannot be measured: one round of self-training.

    Soft photos (split `natural`), moments of videos, and fresh degradations of both. Nothing that belongs to
    the val split, or looks like one of its photos, gets in. A killed run resumes.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    trained = load_trained(find_network(cache, teacher, "--teacher"))
    photos = read_sources(faces, "natural", limit, pristine=False)
    films = read_videos(videos) if videos else []
    made = label_by_teacher(cache, trained, round_, photos, films, moments, Unseen(faces), _device())
    counts = ", ".join(f"{count} {kind}" for kind, count in made.items())
    click.echo(f"{pseudo_store(cache, round_)}: now {counts} (refused: too close to the val split)")


@click.command("teacher-outputs")
@cache_option
@teacher_option("Teacher whose outputs to compute.", default="teacher-2", show_default=True)
@pseudo_round_option
@threads_option
def teacher_outputs(cache: Path, teacher: str, pseudo_round: int | None, threads: int) -> None:
    """Compute a teacher's score and features of every labelled crop, once, for its students."""
    torch.set_num_threads(threads)
    trained = load_trained(find_network(cache, teacher, "--teacher"))
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, pseudo_round)], trained.width)
    done = compute_teacher_outputs(cache, trained, crops, _device(), threads)
    click.echo(f"{trained.name}: {len(crops)} crops, outputs for {done} photos computed now")
