"""Subcommands for the challenge's systems on the student's labels: systems, table1."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import torch

import facegauge_models
from facegauge_models.sfiqa import HEIGHT, SIDE, WIDTH
from facegauge_training.challenge import systems_page as page_of_systems
from facegauge_training.challenge.key_points import NAMES, find_key_points, find_patches, shares_held
from facegauge_training.challenge.measured_systems import (
    measure_patches,
    measure_students,
    measure_systems,
)
from facegauge_training.challenge.protocol import LEAST_RATE, Protocol
from facegauge_training.challenge.stored_crops import ladder_rows, split_rows
from facegauge_training.challenge.table1 import train_systems
from facegauge_training.challenge.table_page import figures, page
from facegauge_training.challenge.table_plot import draw_table
from facegauge_training.commands.options import (
    FOLDER,
    cache_option,
    run_option,
    seed_option,
    teacher_option,
    threads_option,
)
from facegauge_training.common.atomic import write_json, write_text
from facegauge_training.common.runs import find_network, run_folder
from facegauge_training.data.label_crops import train_stores

__all__ = ["key_points", "systems", "systems_page", "table1"]

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
@click.option(
    "--patches/--no-patches", "with_patches", default=True, show_default=True,
    help="Whether to measure the baseline's mean of random patches, which takes as long as all else.",
)  # fmt: skip
@threads_option
def table1(cache: Path, run: str, out: Path, again: bool, with_patches: bool, threads: int) -> None:
    """Measure what `systems` trained on the ladder of unseen faces, and write the report's Table 1 anew.

    The page has our students and the baseline's twenty patches too; beside it go a plot (.png) and the
    figures (.json), which `systems-page` repeats.
    """
    torch.set_num_threads(threads)
    runs, ladder = run_folder(cache, run), ladder_rows(cache)
    rows = measure_systems(runs, ladder, click.echo, again)
    patches = measure_patches(runs, ladder, click.echo, again) if with_patches else {}
    students = measure_students(runs, ladder, click.echo, again)
    out.parent.mkdir(parents=True, exist_ok=True)
    plot = out.with_suffix(".png")
    draw_table(rows, students, plot)
    write_json(out.with_suffix(".json"), figures(rows, students))
    write_text(out, page(rows, patches, students, plot.name))
    click.echo(f"{out}: {len(rows)} of {len(facegauge_models.names(teachers=False))} rows")


@click.command("key-points")
@cache_option
@seed_option
def key_points(cache: Path, seed: int) -> None:
    """Find the places of njupt's patches in the crops of CACHE, and how well they fit unseen faces.

    Keeps MediaPipe's six key points of 15,000 crops in CACHE, where `systems` looks for them.
    """
    places = find_patches(split_rows(train_stores(cache), [])[0], cache, seed)
    click.echo(f"top and left in 800x600: {', '.join(f'{top} {left}' for top, left in places)}")
    points = find_key_points(ladder_rows(cache), cache, seed)
    for name, share in zip(NAMES, shares_held(points, places), strict=True):
        click.echo(f"{name:>9} within a patch: {share:.1%} of {len(points)} crops of the ladder")
    centres = np.array(places) + SIDE / 2  # (patch, (down, across))
    at = points[:, :, ::-1] * (HEIGHT, WIDTH)  # (faces, 6, (down, across))
    away = np.linalg.norm(at[:, :, None] - centres, axis=3).min(axis=2)
    click.echo(
        f"from the nearest patch's centre: {np.median(away):.0f} px (median), of {SIDE // 2} to its side"
    )


@click.command("systems-page")
@click.option("--out", type=FOLDER, default="docs/systems.md", show_default=True, help="Page to write.")
def systems_page(out: Path) -> None:
    """Write the page about the fourteen systems from the registry, the recipes and the table beside it."""
    write_text(out, page_of_systems.systems_page(page_of_systems.read_figures(out.with_name("table1.json"))))
    click.echo(str(out))
