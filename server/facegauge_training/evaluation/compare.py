r"""Put students on one plot: agreement on the val ladder against milliseconds a face on one core.

    python -m facegauge_training.evaluation.compare --run mobilenetv3-small --run mobilenetv4-small --run edgenext \
        --run efficientnet-lite0 --table docs/students.md --plot docs/students.png

Each run's student.pt is written as ONNX beside it and measured here and now: SROCC, PLCC, RMSE and order on
the ladder (`evaluate`), multiply-adds (fvcore), and OpenVINO's CPU time for one crop in float32 on one core.
The students take turns while they are timed, so that other work on the machine meets all of them. It names
the best within `--limit-ms` and the best EdgeNeXt: the two to ship. The table goes between two marks of a
Markdown file, which is otherwise left as it is.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
import torch
from rich.progress import track

from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.data.ladder import ladder_store
from facegauge_training.data.store import read_store
from facegauge_training.evaluation.compare_page import Row, draw, markdown, put_table
from facegauge_training.evaluation.evaluate import evaluate, score_crops
from facegauge_training.fitting.checkpoint import Trained, load_trained, write_onnx
from facegauge_training.release.export import milliseconds

__all__ = ["main"]

TURNS, CALLS = 5, 12
"""Rounds in which each student is timed, and calls in each."""


@click.command()
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--run", "runs", multiple=True, required=True, help="Of a student; once for each of them.")
@click.option(
    "--limit-ms", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Of the default."
)
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="Markdown file to write into.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="PNG to write.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Figures, as JSON."
)
def main(
    cache: Path,
    runs: tuple[str, ...],
    limit_ms: float,
    table: Path | None,
    plot: Path | None,
    json_path: Path | None,
) -> None:
    """Measure students side by side, and name the two to ship."""
    torch.set_num_threads(1)
    cache = cache.expanduser()

    # --- the students as ONNX, and the ladder
    students = [load_trained(cache / "runs" / run / "student.pt") for run in runs]
    models = [cache / "runs" / run / "student.onnx" for run in runs]
    for student, model in zip(students, models, strict=True):
        write_onnx(student, model)
    ladder = read_store(ladder_store(cache))

    # --- time, in turns, then agreement
    times: list[list[float]] = [[] for _ in runs]
    for _ in track(range(TURNS), "timing"):
        for student, model, taken in zip(students, models, times, strict=True):
            crop = np.zeros((1, crop_height(student.width), student.width, 3), np.uint8)
            taken.append(milliseconds(model, crop, CALLS))
    measured = list(zip(runs, students, models, times, strict=True))
    rows = [
        _measure(run, student, model, min(taken), ladder)
        for run, student, model, taken in track(measured, "scoring")
    ]

    # --- what it says
    text = markdown(rows, limit_ms)
    click.echo(text)
    if plot:
        draw(rows, limit_ms, plot)
    if table:
        put_table(table, text, plot)
    if json_path:
        json_path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def _measure(run: str, student: Trained, model: Path, ms: float, ladder: CropSet) -> Row:
    figures = evaluate(score_crops(model, ladder, threads=1), ladder)
    told, network = student.told, student.network
    low, high = figures["interval_95"]["srocc"]
    return Row(
        run=run,
        backbone=told["backbone"],
        width=student.width,
        initialisation=told.get("initialisation", "not told"),
        teacher=told.get("teacher", "none"),
        samples=int(told["samples"]),
        gflops=_gflops(network, student.width),
        parameters_m=sum(p.numel() for p in network.parameters()) / 1e6,
        ms=ms,
        srocc=figures["srocc"],
        plcc=figures["plcc"],
        rmse=figures["rmse"],
        neighbours=figures["ordered_pairs"]["neighbours"],
        srocc_low=low,
        srocc_high=high,
    )


def _gflops(network: torch.nn.Module, width: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # fvcore scripts a loss of its own when imported
        from facegauge_models.measure import count_gflops
    return count_gflops(_Pictures(network), crop_height(width), width)


class _Pictures(torch.nn.Module):
    """A student that takes (n, 3, h, w), to be counted."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the quality (n,)."""
        scores: torch.Tensor = self.network(pictures.permute(0, 2, 3, 1))
        return scores


if __name__ == "__main__":
    main()
