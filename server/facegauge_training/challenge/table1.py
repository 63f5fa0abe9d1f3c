"""Train all fourteen systems under one protocol, and write the report's Table 1 anew, on our labels.

    python -m facegauge_training.challenge.scored_images --cache ~/.cache/facegauge --out DIR --count 8000
    python -m facegauge_training.challenge.table1 --data DIR --steps 1500 --batch 16

Each system keeps its own loss, optimiser, stages, rates, sizes and augmentation (`challenge/recipes.py`), shortened
to the same number of steps and the same batch. Within a stage its rate falls by a cosine, for all: schedules
that fall tenfold every few epochs stand still after the first steps of so short a run (`--schedule recipe`
takes them nevertheless). Resumes after a kill, in the middle of a system too; a finished
row is not trained again. `--systems` trains some of them, the others are marked as not run. `--steps 0`
trains nothing and writes the table of what is there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnxruntime
import torch

import facegauge_models
from facegauge_training.challenge.onnx_file import score_pictures
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.challenge.recipe import Schedule
from facegauge_training.challenge.recipes import RECIPES, find_recipe
from facegauge_training.challenge.start import Asked, run_training
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import report
from facegauge_training.release.export import milliseconds

__all__ = ["main", "table"]

PATH = click.Path(path_type=Path)
HEAD = (
    "| rank | system | reported Score | initialisation | teacher | Score (95%) | SROCC | PLCC | PLCC fitted "
    "| RMSE | ms a face | GFLOPs |\n|---:|---|---:|---|---|---|---:|---:|---:|---:|---:|---:|\n"
)

PREFACE = """# Table 1 on our labels

Written by `python -m facegauge_training.challenge.table1`. The reported Score is agreement with the challenge's own
labels, on its data; ours is agreement with labels anchored on VMAF, on faces from sources that no system was
trained on. The two do not compare, and neither is agreement with people. Rows stand in the order of the
report's ranks; it is no ranking of ours.

"""
PROTOCOL = """Protocol: {} steps of at most {} pictures for every system, with its own loss, optimiser,
stages, rates, sizes, augmentation and held-out share; within a stage the rate falls by {} schedule; seed {}.
Trained on at most {} pictures ({:.1f} passes over them), measured on {} pictures of {} other faces. Score is
(SROCC + PLCC) / 2 with the PLCC as it is; intervals are 95%, by bootstrap over faces. Milliseconds: one face
in OpenVINO, float32, CPU time on one core.

"""
SHORT_PASSES = 20
SHORT = """**No row has converged.** So short a training tells how fast a system learns from these weights and
at these rates, not how good it gets: networks with layer scale and transformer blocks hardly leave where they
started.

"""


@click.command()
@click.option(
    "--data", type=PATH, required=True, help="Folder of facegauge_training.challenge.scored_images."
)
@click.option(
    "--runs",
    type=PATH,
    default=Path("~/.cache/facegauge/table1"),
    show_default=True,
    help="Of the trainings.",
)
@click.option("--out", type=PATH, default=Path("docs/table1.md"), show_default=True)
@click.option("--steps", type=click.IntRange(min=0), default=1500, show_default=True, help="Of every system.")
@click.option("--batch", type=click.IntRange(min=2), default=16, show_default=True, help="Of every system.")
@click.option("--systems", help="Only these, with commas.  [default: all]")
@click.option("--teacher", type=PATH, help="model.pt for the systems that distil; without it: labels alone.")
@click.option("--pretrained", is_flag=True, help="Start from published weights, where they can be had.")
@click.option(
    "--schedule",
    type=click.Choice(["cosine", "recipe"]),
    default="cosine",
    show_default=True,
    help="Of rates.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(
    data: Path,
    runs: Path,
    out: Path,
    steps: int,
    batch: int,
    systems: str | None,
    teacher: Path | None,
    pretrained: bool,
    schedule: str,
    seed: int,
    threads: int,
) -> None:
    """Train all fourteen systems under one protocol and write the table."""
    torch.set_num_threads(threads)
    every = facegauge_models.names(teachers=False)
    chosen = tuple(systems.split(",")) if systems else every
    for name in chosen:
        find_recipe(name)
    failed: dict[str, str] = {}
    folder = runs.expanduser()
    for name in chosen if steps else ():
        try:
            _row(name, data, folder / name, steps, batch, teacher, pretrained, schedule, seed)
        except RecipeError as error:
            failed[name] = error.message
            click.echo(f"{name}: {error.message}", err=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(table(folder, failed), encoding="utf-8")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(table(folder, failed), encoding="utf-8")
    click.echo(f"{out}: {sum((folder / name / 'row.json').is_file() for name in every)} of {len(every)} rows")
    if failed:
        sys.exit(1)


def _row(
    name: str,
    data: Path,
    run: Path,
    steps: int,
    batch: int,
    teacher: Path | None,
    pretrained: bool,
    schedule: str,
    seed: int,
) -> None:
    """Train and measure one system, unless it is done."""
    if (run / "row.json").is_file():
        click.echo(f"{name} is done already")
        return
    distils = RECIPES[name].distillation in ("scores", "grades")
    asked = Asked(
        name, data / "train", data / "train.csv", run, seed, 1.0, steps, batch, pretrained,
        teacher=teacher if distils else None, without_teacher=teacher is None,
        schedule=Schedule("cosine") if schedule == "cosine" else None,
    )  # fmt: skip
    how = run_training(asked, click.echo)
    val = read_pictures(data / "val", data / "val.csv")
    scores = score_pictures(run / "model.onnx", val)
    figures = report(scores, val.scores.astype(np.float64), val.groups)
    entry = onnxruntime.InferenceSession(
        str(run / "model.onnx"), providers=["CPUExecutionProvider"]
    ).get_inputs()[0]
    picture = np.zeros((1, *entry.shape[1:]), np.float32)
    row = {
        **how,
        **figures,
        "ms": milliseconds(run / "model.onnx", picture, runs=20),
        "size": entry.shape[2:],
    }
    unfinished = run / "row.json.part"
    unfinished.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(run / "row.json")


def table(runs: Path, failed: dict[str, str]) -> str:
    """Return the page: the protocol, and a line a system in the order of the report's ranks."""
    rows: dict[str, dict[str, Any]] = {}
    for name in facegauge_models.names(teachers=False):
        if (runs / name / "row.json").is_file():
            rows[name] = json.loads((runs / name / "row.json").read_text(encoding="utf-8"))
    lines = [_line(name, rows.get(name), failed.get(name)) for name in facegauge_models.names(teachers=False)]
    return _protocol(rows) + HEAD + "\n".join(lines) + "\n"


def _line(name: str, row: dict[str, Any] | None, failure: str | None) -> str:
    reported = facegauge_models.info(name).reported
    assert reported is not None  # noqa: S101 - systems have a row in the report, teachers are not listed
    start = f"| {reported.rank or '-'} | {name} | {reported.score:.4f} |"
    if row is None:
        return f"{start} **{'failed' if failure else 'not run'}** | | | | | | | | {reported.gflops:.4f} |"
    low, high = row["score_interval_95"]
    taught = row["teacher"]
    if taught == "none" and RECIPES[name].distillation:
        taught = "none (its recipe has one)"
    return (
        f"{start} {row['initialisation']} | {taught} | {row['score']:.4f} ({low:.3f} to {high:.3f}) "
        f"| {row['srocc']:.4f} | {row['plcc']:.4f} | {row['plcc_fitted']:.4f} | {row['rmse']:.4f} "
        f"| {row['ms']:.1f} | {reported.gflops:.4f} |"
    )


def _protocol(rows: dict[str, dict[str, Any]]) -> str:
    text = PREFACE
    if not rows:
        return text
    told = sorted(
        {(sum(row["steps"]), max(row["batch"]), row["schedule"], row["seed"]) for row in rows.values()}
    )
    some = next(iter(rows.values()))
    steps, batch, schedule, seed = told[0]
    schedule = schedule if schedule == "its own" else f"a {schedule}"
    most = max(row["train_pictures"] for row in rows.values())
    passes = steps * batch / most
    counts = most, passes, some["pictures"], some["groups"]
    text += PROTOCOL.format(steps, batch, schedule, seed, *counts)
    if passes < SHORT_PASSES:
        text += SHORT
    if len(told) > 1:
        text += "**Rows were trained under different protocols** (see each run's result.json).\n\n"
    if len({row["initialisation"] for row in rows.values()}) > 1:
        text += "**Rows of different initialisation do not compare.**\n\n"
    return text


if __name__ == "__main__":
    main()
