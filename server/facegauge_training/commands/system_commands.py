"""Subcommands for the challenge's systems on the student's labels: systems, table1."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import torch

import facegauge_models
from facegauge_training.challenge import systems_page as page_of_systems
from facegauge_training.challenge.protocol import LEAST_RATE, Protocol
from facegauge_training.challenge.stored_crops import ladder_rows
from facegauge_training.challenge.table1 import train_systems
from facegauge_training.challenge.table_page import measure_systems, page
from facegauge_training.commands.options import (
    FOLDER,
    cache_option,
    run_option,
    seed_option,
    teacher_option,
    threads_option,
)
from facegauge_training.common.atomic import write_text
from facegauge_training.common.runs import find_network, run_folder

__all__ = ["systems", "systems_page", "table1"]

table_option = run_option(
    "table1", help="Name of the run: its folder below CACHE/runs, with one folder for each system."
)
names_option = click.option("--systems", "names", help="Only these, with commas.  [default: all fourteen]")


@click.command()
@cache_option
@table_option
@names_option
@click.option(
    "--train-samples",
    "samples",
    type=click.IntRange(min=64),
    default=60_000,
    show_default=True,
    help="Pictures that each system sees.",
)
@click.option("--batch", type=click.IntRange(min=2), default=32, show_default=True, help="Pictures a step.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Systems side by side."
)
@teacher_option("Teacher for the systems that have one; without it they learn from labels alone.")
@click.option(
    "--faces", type=FOLDER, help="Photos with a split `natural`: the teacher labels it for ecnu-sjtu."
)
@click.option("--backbones", type=FOLDER, help="Folder of pretrained backbones.  [default: CACHE/pretrained]")
@click.option(
    "--least-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=LEAST_RATE,
    show_default=True,
    help="Lower first rates are lifted to it, a system's others alike.",
)
@seed_option
@threads_option
def systems(
    cache: Path,
    run: str,
    names: str | None,
    samples: int,
    batch: int,
    jobs: int,
    teacher: str | None,
    faces: Path | None,
    backbones: Path | None,
    least_rate: float,
    seed: int,
    threads: int,
) -> None:
    """Train the fourteen systems under one protocol, on the crops that `labels` made.

    Each keeps its head, loss, stages, sizes and augmentation; all see the same number of pictures and begin
    from backbones of `pretrain`, where there are such (CACHE/pretrained/NAME/backbone.pt). A killed run
    resumes; a system that is done is not trained again. Leaves model.pt and result.json of each.
    """
    torch.set_num_threads(threads)
    folder = backbones or cache / "pretrained"
    protocol = Protocol(
        cache,
        run_folder(cache, run),
        samples,
        batch,
        seed,
        find_network(cache, teacher, "--teacher") if teacher else None,
        faces,
        folder if folder.is_dir() else None,
        least_rate,
        threads,
    )
    wanted = tuple(names.split(",")) if names else facegauge_models.names(teachers=False)
    if train_systems(protocol, wanted, jobs, click.echo):
        sys.exit(1)


@click.command()
@cache_option
@table_option
@click.option("--out", type=FOLDER, default="docs/table1.md", show_default=True, help="Page to write.")
@click.option("--again", is_flag=True, help="Measure those too that were measured on this ladder.")
@threads_option
def table1(cache: Path, run: str, out: Path, again: bool, threads: int) -> None:
    """Measure what `systems` trained on the ladder of unseen faces, and write the report's Table 1 anew."""
    torch.set_num_threads(threads)
    rows = measure_systems(run_folder(cache, run), ladder_rows(cache), click.echo, again)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, page(rows))
    click.echo(f"{out}: {len(rows)} of {len(facegauge_models.names(teachers=False))} rows")


@click.command("systems-page")
@click.option("--out", type=FOLDER, default="docs/systems.md", show_default=True, help="Page to write.")
def systems_page(out: Path) -> None:
    """Write the page about the fourteen systems from the registry and the recipes."""
    write_text(out, page_of_systems.systems_page())
    click.echo(str(out))
