"""Subcommands that measure students: evaluate, compare."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table

from facegauge_training.commands.options import FOLDER, cache_option
from facegauge_training.common.atomic import write_json, write_text
from facegauge_training.common.runs import find_network
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ANCHORED, ladder_store
from facegauge_training.evaluation.baselines.run import run_baselines
from facegauge_training.evaluation.compare import compare_students
from facegauge_training.evaluation.compare_page import draw, markdown, put_table
from facegauge_training.evaluation.evaluate import evaluate as figures_on_ladder
from facegauge_training.evaluation.evaluate import measure, score_crops, sweep_sizes
from facegauge_training.evaluation.report.build import build_report, figures_of

__all__ = ["compare", "evaluate"]


@click.command()
@click.option("--model", type=FOLDER, required=True, help="The student, as ONNX.")
@cache_option
@click.option(
    "--report",
    "report_path",
    type=FOLDER,
    help="Write an HTML report here. It shows faces: keep it out of the repository.",
)
@click.option(
    "--baselines/--no-baselines", default=True, show_default=True, help="Measure them for the report."
)
@click.option(
    "--faces", type=FOLDER, help="Folder of photos, for the report's faces at several sizes; optional."
)
@click.option("--json", "json_path", type=FOLDER, help="Also write the figures to this file.")
def evaluate(
    model: Path,
    cache: Path,
    report_path: Path | None,
    baselines: bool,
    faces: Path | None,
    json_path: Path | None,
) -> None:
    """Measure a student on the ladder of the val split, and report it beside baselines."""
    console = Console()
    crops = CropSet([ladder_store(cache)])
    scores = score_crops(model, crops)
    figures = figures_on_ladder(scores, crops)
    console.print({name: figures[name] for name in figures if name not in ("spread", "families")})
    table = Table("family", "SROCC", "PLCC", "RMSE", "spread of each step, mild to harsh")
    for name, row in figures["families"].items():
        spreads = [v for key, v in figures["spread"].items() if key.startswith(name + " ")]
        texts = (f"{row[figure]:.3f}" for figure in ("srocc", "plcc", "rmse"))
        table.add_row(name + (" (anchored)" if name in ANCHORED else ""), *texts, str(spreads))
    console.print(table)
    if report_path:
        measured = measure(scores, crops, run_baselines(crops, cache) if baselines else {})
        sizes = sweep_sizes(model, faces) if faces else None
        page, rows = build_report(model.parent.name, measured, crops, sizes)
        write_text(report_path, page)
        figures["beside"] = figures_of(rows)
        console.print(f"{report_path}: {report_path.stat().st_size / 1e6:.1f} MB")
    if json_path:
        write_json(json_path, figures)


@click.command()
@cache_option
@click.option("--run", "runs", multiple=True, required=True, help="Run of a student; once for each of them.")
@click.option(
    "--limit-ms",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="Most CPU time a face that the default student may take.",
)
@click.option("--table", type=FOLDER, help="Markdown file to write the table into.")
@click.option("--plot", type=FOLDER, help="PNG to write.")
@click.option("--json", "json_path", type=FOLDER, help="Also write the figures to this file.")
def compare(
    cache: Path,
    runs: tuple[str, ...],
    limit_ms: float,
    table: Path | None,
    plot: Path | None,
    json_path: Path | None,
) -> None:
    """Compare students on one plot: agreement on the val ladder against CPU time a face on one core.

    Names the best student within --limit-ms and the best EdgeNeXt: the two to ship. The table goes between
    two marks of a Markdown file, which is otherwise left as it is.
    """
    torch.set_num_threads(1)
    files = {run: find_network(cache, run, "--run") for run in runs}
    rows = compare_students(files, CropSet([ladder_store(cache)]))
    text = markdown(rows, limit_ms)
    click.echo(text)
    if plot:
        draw(rows, limit_ms, plot)
    if table:
        put_table(table, text, plot)
    if json_path:
        write_json(json_path, [asdict(row) for row in rows])
