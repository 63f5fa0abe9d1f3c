"""Subcommands that make labels and show them: ladder, labels, contact-sheet, noise-anchor."""

from __future__ import annotations

from pathlib import Path

import click

from facegauge_training.commands.options import (
    FOLDER,
    cache_option,
    faces_option,
    round_option,
    workers_option,
)
from facegauge_training.data.contact_sheet import draw_contact_sheet
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.label_crops import CHAINS, MOST_TAKES, TAKES, label_faces, train_stores
from facegauge_training.data.ladder import LADDER, build_ladder
from facegauge_training.data.noise_anchor import measure_noise_anchor
from facegauge_training.data.sources import read_sources

__all__ = ["contact_sheet", "labels", "ladder", "noise_anchor"]

limit_option = click.option("--limit", type=click.IntRange(min=1), help="Use only this many faces.")


@click.command()
@faces_option
@cache_option
@limit_option
@workers_option
def ladder(faces: Path, cache: Path, limit: int | None, workers: int) -> None:
    """Build the ladder of the val split, on which every student is measured.

    Every unseen face goes through fixed steps of one defect at a time. A killed run resumes; a second one
    finds everything there.
    """
    sources = read_sources(faces, "val", limit)
    folder, done = build_ladder(cache, sources, workers)
    steps = sum(len(chains) for chains in LADDER.values())
    click.echo(f"{folder}: {len(sources)} faces in {steps} steps, {done} faces labelled now")


@click.command()
@faces_option
@cache_option
@round_option
@limit_option
@click.option(
    "--takes",
    type=click.IntRange(1, MOST_TAKES),
    default=TAKES,
    show_default=True,
    help="Crops of each degradation.",
)
@workers_option
def labels(faces: Path, cache: Path, round_: int, limit: int | None, takes: int, workers: int) -> None:
    """Label crops of the train split by real codecs and VMAF.

    Each round takes every sharp face through another set of degradations. A killed run resumes; a second run
    of a round finds everything there.
    """
    sources = read_sources(faces, "train", limit)
    folder, done = label_faces(cache, sources, round_, workers, takes)
    click.echo(f"{folder}: {len(sources)} faces, {done} labelled now, {CHAINS * takes} crops a face")


@click.command("contact-sheet")
@click.option("--store", type=FOLDER, required=True, help="Folder of labelled crops.")
@click.option("--out", type=FOLDER, required=True, help="PNG to write.")
@click.option("--columns", type=click.IntRange(min=1), default=10, show_default=True, help="Crops in a row.")
@click.option("--rows", type=click.IntRange(min=1), default=6, show_default=True, help="Rows of crops.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the crops.")
@click.option("--only", help="Only crops in whose chain this field is set, e.g. noise.")
def contact_sheet(store: Path, out: Path, columns: int, rows: int, seed: int, only: str | None) -> None:
    """Draw a contact sheet of labelled crops, sorted by label.

    It shows the photos that the labels were made from: keep it out of the repository.
    """
    best, worst, count = draw_contact_sheet(CropSet([store]), out, columns, rows, seed, only)
    click.echo(f"{out}: {count} crops, labels from {best:.2f} down to {worst:.2f}")


@click.command("noise-anchor")
@cache_option
def noise_anchor(cache: Path) -> None:
    """Print the median VMAF/100 of crops that are only coded, by GMSD."""
    for point in measure_noise_anchor(CropSet(train_stores(cache))):
        click.echo(
            f"gmsd {point.gmsd:.2f}: VMAF/100 {point.median:.3f} "
            f"({point.low:.3f} to {point.high:.3f}, {point.crops} crops)"
        )
