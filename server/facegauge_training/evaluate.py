"""Measure a student on the ladder of the val split: faces from sources that were never trained on.

    python -m facegauge_training.evaluate --model server/facegauge_server/assets/models/NAME/model.onnx

Agreement (SROCC, PLCC as it is and after a 4-parameter logistic fit, RMSE) over x264, VP9, defocus and
received lines, whose labels are plain VMAF/100; noise and darkness, with anchored labels, are told apart.
Order counts pairs of one face within a family whose labels differ by 0.05 or more. Spread is the standard
deviation of score minus label over faces, a step. Intervals: 95%, bootstrap over faces.
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from rich.console import Console
from rich.table import Table
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.stats import pearsonr, spearmanr

from facegauge_training.errors import RecipeError
from facegauge_training.ladder import ANCHORED, LADDER, ladder_store
from facegauge_training.store import CropSet, read_store

__all__ = ["evaluate", "main", "score_crops"]

Floats = npt.NDArray[np.float64]
PAIR_GAP = 0.05


def score_crops(model: Path, crops: CropSet, threads: int = 2) -> Floats:
    """Return the score (n,) that an ONNX student gives each crop.

    Raises:
        RecipeError: the file is missing, or is no such student.
    """
    if not model.is_file():
        raise RecipeError(f"There is no {model}: run `python -m facegauge_training.export` first.")
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
    steps = [_step(row) for row in crops.rows]
    family = np.array([name for name, _ in steps])
    step = np.array([number for _, number in steps])
    face = np.array([row["key"] for row in crops.rows])
    labels = crops.labels.astype(np.float64)
    plain = ~np.isin(family, ANCHORED)
    report: dict[str, Any] = {"split": "val", "crops": int(plain.sum()), "faces": len(set(face))}
    report |= _agreement(scores[plain], labels[plain])
    report["interval_95"] = _intervals(scores[plain], labels[plain], face[plain], resamples)
    report["ordered_pairs"] = _order(
        scores, labels, family, step, face, [f for f in LADDER if f not in ANCHORED]
    )
    report["spread"] = {
        f"{name} {i + 1}": round(float(np.std((scores - labels)[(family == name) & (step == i + 1)])), 4)
        for name, chains in LADDER.items()
        for i in range(len(chains))
        if name != "pristine"
    } | {"pristine": round(float(np.std((scores - labels)[family == "pristine"])), 4)}
    report["families"] = {
        name: _agreement(scores[chosen], labels[chosen])
        for name in LADDER
        if name != "pristine"
        for chosen in [np.isin(family, (name, "pristine"))]
    }
    report["anchored_ordered_pairs"] = _order(scores, labels, family, step, face, list(ANCHORED))
    sharpness = np.array([_sharpness(crops[i]) for i in range(len(crops))])
    report["baseline_laplacian_srocc"] = round(float(spearmanr(sharpness[plain], labels[plain])[0]), 4)
    return report


@click.command()
@click.option("--model", type=click.Path(path_type=Path), required=True, help="The student, as ONNX.")
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("~/.cache/facegauge"), show_default=True
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(model: Path, cache: Path, json_path: Path | None) -> None:
    """Measure a student on the ladder of the val split."""
    crops = read_store(ladder_store(cache.expanduser()))
    report = evaluate(score_crops(model, crops), crops)
    console = Console()
    console.print({name: report[name] for name in report if name not in ("spread", "families")})
    table = Table("family", "SROCC", "PLCC", "RMSE", "spread of each step, mild to harsh")
    for name, row in report["families"].items():
        spreads = [v for key, v in report["spread"].items() if key.startswith(name + " ")]
        texts = (f"{row[figure]:.3f}" for figure in ("srocc", "plcc", "rmse"))
        table.add_row(name + (" (anchored)" if name in ANCHORED else ""), *texts, str(spreads))
    console.print(table)
    if json_path:
        json_path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _batch(crops: CropSet, at: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    pictures = (crops[i] for i in range(at, min(at + 16, len(crops))))
    fitting = [
        p if p.shape[:2] == (height, width) else cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
        for p in pictures
    ]
    return np.stack(fitting).astype(np.uint8, copy=False)


def _step(row: dict[str, Any]) -> tuple[str, int]:
    for name, chains in LADDER.items():
        for i, chain in enumerate(chains):
            if all(row[field] == value for field, value in chain.describe().items()):
                return name, 0 if name == "pristine" else i + 1
    raise RecipeError(
        "The cached ladder is not this version's: delete its folder in the cache and build it again."
    )


def _agreement(scores: Floats, labels: Floats) -> dict[str, float]:
    fitted = _logistic_fit(scores, labels)
    return {
        "srocc": round(float(spearmanr(scores, labels)[0]), 4),
        "plcc": round(float(pearsonr(scores, labels)[0]), 4),
        "plcc_fitted": round(float(pearsonr(fitted, labels)[0]), 4),
        "rmse": round(float(np.sqrt(np.mean((scores - labels) ** 2))), 4),
    }


def _logistic_fit(scores: Floats, labels: Floats) -> Floats:
    """Map scores onto labels by the customary monotone curve of four parameters."""

    def curve(x: Floats, top: float, bottom: float, middle: float, slope: float) -> Floats:
        return np.asarray(bottom + (top - bottom) / (1 + np.exp(-np.clip((x - middle) * slope, -50, 50))))

    try:
        parameters, _ = curve_fit(curve, scores, labels, (1.0, 0.0, 0.5, 5.0), maxfev=5000)
    except (RuntimeError, OptimizeWarning):
        return scores
    return curve(scores, *parameters)


def _intervals(
    scores: Floats, labels: Floats, face: npt.NDArray[np.str_], resamples: int
) -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    places = {name: np.flatnonzero(face == name) for name in sorted(set(face))}
    drawn = []
    for _ in range(resamples):
        chosen = np.concatenate([places[name] for name in rng.choice(list(places), len(places))])
        drawn.append(
            (spearmanr(scores[chosen], labels[chosen])[0], pearsonr(scores[chosen], labels[chosen])[0])
        )
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return {
        name: [round(float(low[i]), 4), round(float(high[i]), 4)] for i, name in enumerate(("srocc", "plcc"))
    }


def _order(
    scores: Floats,
    labels: Floats,
    family: npt.NDArray[np.str_],
    step: npt.NDArray[np.int_],
    face: npt.NDArray[np.str_],
    families: list[str],
) -> dict[str, float | int]:
    """Return the shares of pairs in order: neighbouring steps, and two or more apart."""
    right: dict[bool, list[bool]] = {False: [], True: []}
    for name in sorted(set(face)):
        for kind in families:
            chosen = np.flatnonzero((face == name) & np.isin(family, (kind, "pristine")))
            for a, b in combinations(chosen, 2):
                gap = labels[a] - labels[b]
                if abs(gap) >= PAIR_GAP:
                    right[bool(abs(step[a] - step[b]) >= 2)].append(bool(gap * (scores[a] - scores[b]) > 0))
    return {
        "neighbours": round(float(np.mean(right[False])), 4) if right[False] else float("nan"),
        "neighbours_pairs": len(right[False]),
        "two_apart": round(float(np.mean(right[True])), 4) if right[True] else float("nan"),
        "two_apart_pairs": len(right[True]),
    }


def _sharpness(picture: npt.NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


if __name__ == "__main__":
    main()
