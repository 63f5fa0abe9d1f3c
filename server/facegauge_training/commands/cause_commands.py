"""Subcommands about what each defect costs: cause-labels, call-clips, compare-gains, count-crops."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from facegauge_training.commands.options import FOLDER, cache_option, faces_option, workers_option
from facegauge_training.common.errors import RecipeError
from facegauge_training.data.call_clips import call_clip_store, label_videos, read_video_index
from facegauge_training.data.call_codecs import RATED
from facegauge_training.data.cause_labels import CauseLabelling, count_crops
from facegauge_training.data.compare_gains import compare
from facegauge_training.data.count_crops import count
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.sampling import in_turn
from facegauge_training.data.sources import read_sources

__all__ = ["call_clips", "cause_labels", "compare_gains", "count_store"]

store_option = click.option("--store", type=FOLDER, required=True, help="Folder of labelled crops.")


@click.command("cause-labels")
@faces_option
@cache_option
@click.option(
    "--crops", type=click.IntRange(min=1), default=60_000, show_default=True, help="Crops of train to make."
)
@click.option(
    "--val-first",
    type=click.IntRange(min=0),
    default=24,
    show_default=True,
    help="Photos of val to label before the first of train.",
)
@click.option("--val-limit", type=click.IntRange(min=1), help="Use only this many photos of val.")
@workers_option
@click.option(
    "--every", "every_s", type=float, default=60.0, show_default=True, help="Seconds between two reports."
)
def cause_labels(
    faces: Path, cache: Path, crops: int, val_first: int, val_limit: int | None, workers: int, every_s: float
) -> None:
    """Label crops with what each defect costs: train, the val ladder, and a ladder of causes.

    May be stopped at any moment: what is there is a fair sample of all sources, and the same command goes on.
    """
    val = islice(in_turn(read_sources(faces, "val"), 1), val_limit)
    labelling = CauseLabelling(cache, in_turn(read_sources(faces, "train")), val, click.echo)
    try:
        labelling.run(crops, val_first, workers, every_s)
    finally:
        for folder in labelling.stores:
            click.echo(f"{folder}: {count_crops(folder)} crops")


@click.command("call-clips")
@click.option(
    "--videos",
    type=FOLDER,
    default="../shared/videos",
    show_default=True,
    help="Folder of videos with an index.csv.",
)
@cache_option
@click.option("--limit", type=click.IntRange(min=1), help="Use only this many videos.")
def call_clips(videos: Path, cache: Path, limit: int | None) -> None:
    """Measure talking faces in calls that get worse, second by second, for evaluation."""
    index = read_video_index(videos)[:limit]
    made = label_videos(cache, index)
    folder = call_clip_store(cache)
    click.echo(f"{folder}: {len(index)} videos as {len(RATED)} calls each, {made} crops made now")


@click.command("compare-gains")
@store_option
def compare_gains(store: Path) -> None:
    """Compare two measures of what a cause costs: leaving one out, and the mean over all orders (Shapley)."""
    results = compare(CropSet([store]))
    if not results:
        raise RecipeError(f"{store} has no crop with two causes or more: run `cause-labels` for longer.")
    table = Table("figure", *(f"{count} causes" for count in results))
    for name in next(iter(results.values())):
        values = (result[name] for result in results.values())
        table.add_row(name, *(f"{value:.0f}" if name == "crops" else f"{value:.3f}" for value in values))
    Console().print(table)


@click.command("count-crops")
@store_option
def count_store(store: Path) -> None:
    """Count the crops of a store by source, by cause and by variety."""
    crops = CropSet([store])
    for name, numbers in count(crops).items():
        table = Table(name, "crops", "share")
        for value, number in numbers.most_common():
            table.add_row(value, str(number), f"{number / len(crops):.1%}")
        Console().print(table)
    click.echo(f"{len(crops)} crops of {len(set(crops.clips))} clips")
