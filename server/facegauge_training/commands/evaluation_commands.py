"""Subcommands that measure students: evaluate, evaluation-page, compare."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table

from facegauge_training.commands.options import FOLDER, cache_option
from facegauge_training.common.atomic import write_json, write_text
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.runs import find_network
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ANCHORED, ladder_store
from facegauge_training.evaluation.compare import compare_students
from facegauge_training.evaluation.compare_page import draw, markdown, put_table
from facegauge_training.evaluation.evaluate import sweep_sizes
from facegauge_training.evaluation.page.build import TABLES, figures_file, read_figures, write_tables
from facegauge_training.evaluation.report.build import build_report, figures_of
from facegauge_training.evaluation.report.measured import MIN_FACES
from facegauge_training.evaluation.report.sweep import losses
from facegauge_training.evaluation.report.targets_section import limit, value, verdict
from facegauge_training.evaluation.run import run_evaluation
from facegauge_training.release.export import shipped_models
from facegauge_training.release.uncertainty import state_uncertainty

__all__ = ["compare", "evaluate", "evaluation_page"]


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
@click.option(
    "--card",
    is_flag=True,
    help="State the uncertainty of a score in the manifest and the model card beside the model.",
)
def evaluate(
    model: Path,
    cache: Path,
    report_path: Path | None,
    baselines: bool,
    faces: Path | None,
    json_path: Path | None,
    card: bool,
) -> None:
    """Measure a student on the ladders of the val split and on calls, and report it beside baselines.

    What the cache lacks is left out and named: `cause-labels` makes the ladders, `call-clips` the calls. The
    figures stay in CACHE/evaluations for `evaluation-page`.
    """
    console = Console()
    found = run_evaluation(model, cache, baselines=baselines and report_path is not None)
    figures = found.figures
    for line in figures["targets"]:
        shown = f"{line['target']}: {value(line)}, {limit(line)} {verdict(line['met'])}"
        console.print(shown, highlight=False)
    table = Table("family", "SROCC", "PLCC", "RMSE", "spread of each step, mild to harsh")
    for name, row in figures["families"].items():
        spreads = [v for key, v in figures["spread"].items() if key.startswith(name + " ")]
        texts = (f"{row[figure]:.3f}" for figure in ("srocc", "plcc", "rmse"))
        table.add_row(name + (" (anchored)" if name in ANCHORED else ""), *texts, str(spreads))
    console.print(table)
    for what in found.left_out:
        console.print(f"Not measured: {what}", highlight=False)
    if report_path:
        if found.measured is None:
            raise RecipeError(
                f"{figures['faces']} faces of the ladder are too few for a report: at least {MIN_FACES}; "
                "build more: `facegauge-train cause-labels`."
            )
        sizes = sweep_sizes(model, faces) if faces else None
        figures["sizes"] = [asdict(loss) for loss in losses(sizes)] if sizes else None
        page, rows = build_report(
            model.parent.name, found.measured, found.ladder, sizes, more=found.sections()
        )
        write_text(report_path, page)
        figures["beside"] = figures_of(rows)
        console.print(f"{report_path}: {report_path.stat().st_size / 1e6:.1f} MB")
    kept = figures_file(cache, model.parent.name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    for path in (kept, json_path):
        if path:
            write_json(path, figures)
    if card:
        state_uncertainty(model.parent, figures)


@click.command("evaluation-page")
@cache_option
@click.option(
    "--model",
    "models",
    type=FOLDER,
    multiple=True,
    help="A student, as ONNX; once for each.  [default: all that the server ships, its default first]",
)
@click.option(
    "--page", type=FOLDER, default="docs/evaluation.md", show_default=True, help="Page with marks to fill."
)
def evaluation_page(cache: Path, models: tuple[Path, ...], page: Path) -> None:
    """Write the tables of docs/evaluation.md from what `evaluate` left of each student.

    The tables go between marks of the page, which is otherwise left as it is.
    """
    write_tables(page, read_figures(cache, list(models) or shipped_models()))
    click.echo(f"{page}: {', '.join(TABLES)}")


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
