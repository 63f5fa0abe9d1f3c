"""Subcommands about backbones that learn without labels: pretrain, probe-backbone."""

from __future__ import annotations

import json
from pathlib import Path

import click
import torch

from facegauge_training.commands.options import (
    FOLDER,
    cache_option,
    faces_option,
    seed_option,
    threads_option,
)
from facegauge_training.data.crop_set import CropSet
from facegauge_training.pretraining.backbones import build_backbone
from facegauge_training.pretraining.feature_teacher import FeatureTeacher
from facegauge_training.pretraining.plan import BATCH, Plan
from facegauge_training.pretraining.pretrain import PretrainOptions, pretrain_backbone, read_photos
from facegauge_training.pretraining.probe import WIDTH, probe
from facegauge_training.pretraining.probe import probe_backbone as figures_of
from facegauge_training.pretraining.weights import load_pretrained_backbone

__all__ = ["pretrain", "probe_backbone"]

backbone_option = click.option(
    "--backbone", required=True, help="Backbone: a name of timm, a system of the zoo, or SYSTEM.TRUNK."
)


@click.command()
@backbone_option
@faces_option
@cache_option
@click.option("--targets", type=FOLDER, help="The teacher's outputs  [default: CACHE/pretraining]")
@click.option(
    "--train-samples",
    type=click.IntRange(min=BATCH),
    default=64_000,
    show_default=True,
    help="Views to train on.",
)
@click.option(
    "--crop-share",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Share of the samples that are whole crops, at the end.",
)
@click.option(
    "--fixed-share",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of the samples, at the end, with fixed statistics of batch normalisation.",
)
@click.option("--rate", type=float, default=2e-3, show_default=True, help="Highest learning rate.")
@click.option(
    "--patch-pairs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Pairs of patches a photo.",
)
@click.option(
    "--crop-pairs", type=click.IntRange(min=1), default=1, show_default=True, help="Pairs of crops a photo."
)
@click.option("--limit", type=click.IntRange(min=1), help="Use only this many photos.")
@click.option(
    "--probe", "stores", type=FOLDER, multiple=True, help="Labelled crops to probe the backbone on."
)
@seed_option
@threads_option
def pretrain(
    backbone: str,
    faces: Path,
    cache: Path,
    targets: Path | None,
    train_samples: int,
    crop_share: float,
    fixed_share: float,
    rate: float,
    patch_pairs: int,
    crop_pairs: int,
    limit: int | None,
    stores: tuple[Path, ...],
    seed: int,
    threads: int,
) -> None:
    """Pretrain a backbone without labels: distil a teacher's features into it.

    The same command resumes after a kill. Leaves backbone.pt, backbone.json and log.jsonl in
    CACHE/pretrained/BACKBONE, for `--start-from` of students and of the zoo's systems.
    """
    torch.set_num_threads(threads)
    options = PretrainOptions(
        backbone,
        cache / "pretrained" / backbone,
        targets or cache / "pretraining",
        Plan(train_samples, crop_share, rate, seed, fixed_share),
        patch_pairs,
        crop_pairs,
        stores,
    )
    pretrain_backbone(options, read_photos(faces, limit, click.echo), click.echo)


@click.command("probe-backbone")
@click.option(
    "--store", "stores", type=FOLDER, multiple=True, required=True, help="Folder of labelled crops."
)
@backbone_option
@click.option("--weights", type=FOLDER, help="Pretrained weights, to compare with random ones.")
@click.option("--with-teacher/--without-teacher", default=True, show_default=True, help="Probe the teacher.")
@seed_option
@threads_option
def probe_backbone(
    stores: tuple[Path, ...], backbone: str, weights: Path | None, with_teacher: bool, seed: int, threads: int
) -> None:
    """Probe a backbone: what a linear reading of its frozen features knows of quality."""
    torch.set_num_threads(threads)
    crops = CropSet(list(stores), WIDTH)
    built = build_backbone(backbone, seed)
    found: dict[str, dict[str, float]] = {"random": figures_of(built, crops)}
    if weights is not None:
        load_pretrained_backbone(weights, built.module, built.normalisation)
        found["pretrained"] = figures_of(built, crops)
    if with_teacher:
        found["teacher"] = probe(FeatureTeacher().stages, crops)
    for name, figures in found.items():
        click.echo(json.dumps({"weights": name, "crops": len(crops), **figures}))
