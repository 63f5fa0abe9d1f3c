"""Measure a model: a student on the ladder of the val split, or any model on pictures with scores.

    python -m facegauge_training.evaluation.evaluate --model server/facegauge_server/assets/models/NAME/model.onnx
    python -m facegauge_training.evaluation.evaluate --model ... --report /tmp/report.html --faces ../shared/faces
    python -m facegauge_training.evaluation.evaluate --model RUN/model.onnx --images DIR --labels CSV

`--report` writes one HTML file, beside baselines on the same crops (see `report` and `baselines`).
The ladder's faces are from sources that were never trained on.

Agreement (SROCC, PLCC as it is and after a 4-parameter logistic fit, RMSE) over x264, VP9, defocus and
received lines, whose labels are plain VMAF/100; noise and darkness, with anchored labels, are told apart.
Order counts pairs of one face within a family whose labels differ by 0.05 or more. Spread is the standard
deviation of score minus label over faces, a step. Intervals: 95%, bootstrap over faces.

On pictures with scores (columns image,score and perhaps group) it gives what the challenge's report gives:
SROCC, PLCC raw and after the fit, RMSE, and Score = (SROCC + PLCC) / 2 with either PLCC; bootstrap over
groups.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import click
import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from facegauge_server.types import Pixels
from facegauge_training.challenge.onnx_file import score_pictures
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import agreement, intervals, ordered_pairs, report
from facegauge_training.data.ladder import ANCHORED, LADDER, ladder_store
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import CROP_HEIGHT, CROP_WIDTH, CropSet, chain_of, read_store
from facegauge_training.evaluation.baselines.run import run_baselines
from facegauge_training.evaluation.report.build import build_report, figures_of
from facegauge_training.evaluation.report.measured import Measured
from facegauge_training.evaluation.report.sweep import Sweep, sweep

__all__ = ["evaluate", "ladder_steps", "main", "measure", "score_crops", "sweep_sizes"]

Floats = npt.NDArray[np.float64]


class Crops(Protocol):
    """RGB uint8 (height, width, 3) pictures, by number: a `CropSet` or a list."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, i: int, /) -> Pixels:
        """Return one of them."""
        ...


def score_crops(model: Path, crops: Crops, threads: int = 2) -> Floats:
    """Return the score (n,) that an ONNX student gives each crop.

    Raises:
        RecipeError: the file is missing, or is no such student.
    """
    if not model.is_file():
        raise RecipeError(f"There is no {model}: run `python -m facegauge_training.release.export` first.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        _, height, width, _ = session.get_inputs()[0].shape
        scores = [
            session.run(["quality"], {"pixels": _batch(crops, at, int(width), int(height))})[0]
            for at in range(0, len(crops), 16)
        ]
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise RecipeError(f"{model} does not run as a student (pixels -> quality): {error}") from error
    return np.concatenate(scores).astype(np.float64)


def evaluate(scores: Floats, crops: CropSet, resamples: int = 200) -> dict[str, Any]:
    """Return every figure of the report, by name, for scores (n,) of the ladder's crops."""
    steps = ladder_steps(crops)
    family = np.array([name for name, _ in steps])
    step = np.array([number for _, number in steps])
    face = np.array([row["key"] for row in crops.rows])
    labels = crops.labels.astype(np.float64)
    plain = ~np.isin(family, ANCHORED)
    figures: dict[str, Any] = {"split": "val", "crops": int(plain.sum()), "faces": len(set(face))}
    figures |= agreement(scores[plain], labels[plain])
    figures["interval_95"] = intervals(scores[plain], labels[plain], face[plain], resamples)
    figures["ordered_pairs"] = ordered_pairs(
        scores, labels, family, step, face, [f for f in LADDER if f not in ANCHORED]
    )
    figures["spread"] = {
        f"{name} {i + 1}": round(float(np.std((scores - labels)[(family == name) & (step == i + 1)])), 4)
        for name, chains in LADDER.items()
        for i in range(len(chains))
        if name != "pristine"
    } | {"pristine": round(float(np.std((scores - labels)[family == "pristine"])), 4)}
    figures["families"] = {
        name: agreement(scores[chosen], labels[chosen])
        for name in LADDER
        if name != "pristine"
        for chosen in [np.isin(family, (name, "pristine"))]
    }
    figures["anchored_ordered_pairs"] = ordered_pairs(scores, labels, family, step, face, list(ANCHORED))
    sharpness = np.array([_sharpness(crops[i]) for i in range(len(crops))])
    figures["baseline_laplacian_srocc"] = round(float(spearmanr(sharpness[plain], labels[plain])[0]), 4)
    return figures


@click.command()
@click.option("--model", type=click.Path(path_type=Path), required=True, help="The student, as ONNX.")
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--images", type=click.Path(path_type=Path), help="Folder of pictures, instead of the ladder.")
@click.option("--labels", type=click.Path(path_type=Path), help="CSV of their scores.")
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write an HTML report here. It shows faces: keep it out of the repository.",
)
@click.option(
    "--baselines/--no-baselines", default=True, show_default=True, help="Measure them for the report."
)
@click.option(
    "--faces",
    type=click.Path(path_type=Path),
    help="Folder of the photos, for the report's faces at several sizes; left out without it.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(
    model: Path,
    cache: Path,
    images: Path | None,
    labels: Path | None,
    report_path: Path | None,
    baselines: bool,
    faces: Path | None,
    json_path: Path | None,
) -> None:
    """Measure a student on the ladder of the val split, or any model on pictures with scores."""
    console = Console()
    if (images is None) != (labels is None):
        raise click.UsageError("--images and --labels go together.")
    if images is not None and report_path is not None:
        raise click.UsageError("--report is of the ladder: leave --images and --labels out.")
    if images is not None and labels is not None:
        pictures = read_pictures(images, labels)
        told = report(score_pictures(model, pictures), pictures.scores.astype(np.float64), pictures.groups)
        console.print(told)
        if json_path:
            json_path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        return
    cache = cache.expanduser()
    crops = read_store(ladder_store(cache))
    scores = score_crops(model, crops)
    figures = evaluate(scores, crops)
    console.print({name: figures[name] for name in figures if name not in ("spread", "families")})
    table = Table("family", "SROCC", "PLCC", "RMSE", "spread of each step, mild to harsh")
    for name, row in figures["families"].items():
        spreads = [v for key, v in figures["spread"].items() if key.startswith(name + " ")]
        texts = (f"{row[name_]:.3f}" for name_ in ("srocc", "plcc", "rmse"))
        table.add_row(name + (" (anchored)" if name in ANCHORED else ""), *texts, str(spreads))
    console.print(table)
    if report_path:
        measured = measure(scores, crops, run_baselines(crops, cache) if baselines else {})
        sizes = sweep_sizes(model, faces) if faces else None
        page, rows = build_report(model.parent.name, measured, crops, sizes)
        report_path.write_text(page, encoding="utf-8")
        figures["beside"] = figures_of(rows)
        console.print(f"{report_path}: {report_path.stat().st_size / 1e6:.1f} MB")
    if json_path:
        json_path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _batch(crops: Crops, at: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    pictures = (crops[i] for i in range(at, min(at + 16, len(crops))))
    fitting = [
        p if p.shape[:2] == (height, width) else cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
        for p in pictures
    ]
    return np.stack(fitting).astype(np.uint8, copy=False)


def measure(scores: Floats, crops: CropSet, baselines: dict[str, Floats]) -> Measured:
    """Return what the report is made from: scores (n,) of the ladder's crops, and the baselines'."""
    steps = ladder_steps(crops)
    return Measured(
        crops.labels.astype(np.float64),
        scores,
        np.array([row["key"] for row in crops.rows]),
        np.array([name for name, _ in steps]),
        np.array([number for _, number in steps]),
        baselines,
    )


def sweep_sizes(model: Path, faces: Path) -> Sweep:
    """Return the student's scores of the val split's photos at several sizes."""
    return sweep(read_sources(faces, "val"), lambda crops: score_crops(model, crops), CROP_WIDTH, CROP_HEIGHT)


def ladder_steps(crops: CropSet) -> list[tuple[str, int]]:
    """Return the family and the step (0 for pristine, then 1 the mildest) of each crop of the ladder.

    Raises:
        RecipeError: a crop is not of this version's ladder.
    """
    return [_step(row) for row in crops.rows]


def _step(row: dict[str, Any]) -> tuple[str, int]:
    for name, chains in LADDER.items():
        for i, chain in enumerate(chains):
            if chain_of(row) == chain:
                return name, 0 if name == "pristine" else i + 1
    raise RecipeError(
        "The cached ladder is not this version's: delete its folder in the cache and build it again."
    )


def _sharpness(picture: npt.NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


if __name__ == "__main__":
    main()
