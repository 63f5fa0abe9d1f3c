"""Measure the systems that were trained under one protocol, and write the report's Table 1 on our labels.

Measured here, on the ladder of unseen faces: agreement; and on this machine: multiply-adds, parameters and
milliseconds. What a training cost is what its result.json says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import facegauge_models
from facegauge_models.measure import count_gflops, count_params, onnx_bytes, openvino_ms, picture_example
from facegauge_training.challenge.predict import predict_pictures
from facegauge_training.challenge.protocol import LEAST_RATE
from facegauge_training.challenge.stored_crops import StoredCrops
from facegauge_training.challenge.team_recipes import RECIPES
from facegauge_training.challenge.weights import load_network
from facegauge_training.common.atomic import write_json
from facegauge_training.common.metrics import challenge_report

__all__ = ["CROP", "measure_systems", "page"]

CROP = (384, 288)
"""Height and width of the crops that a system without a size of its own is timed at."""
ROW = "row.json"
HEAD = (
    "| rank | system | reported Score | backbone begins from | teacher | Score (95%) | SROCC | PLCC | RMSE "
    "| held out | GMACs | M params | ms | pictures | hours |\n"
    "|---:|---|---:|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)

PREFACE = """# Table 1 on our labels

Written by `facegauge-train table1` from what `facegauge-train systems` trained. The reported Score is
agreement with the challenge's own labels, on its data; ours is agreement with labels anchored on VMAF, on
faces from sources that no system was trained on. The two do not compare, and neither is agreement with
people. Rows stand in the order of the report's ranks.

"""
PROTOCOL = """Protocol: every system sees {samples} crops, {batch} at a time, with its own head, loss,
optimiser, stages, sizes, augmentation, sampler and held-out share. What differs from the report, for all:
a short training has the shape of its schedule (tenfold falls every few epochs become two, at 50% and 80%; the
rate rises at first); where a team's first rate is below {least:g}, all its rates are multiplied to make it
that; statistics of batch normalisation are estimated before each look; a head begins at the deviation of its
features and the mean label. Trained on {device}, seed {seed}; matrices kept in 16 bits.

Score is (SROCC + PLCC) / 2, PLCC as it is, on {pictures} crops of {groups} faces of the ladder (x264, VP9,
defocus, lines); intervals are 95%, by bootstrap over faces. "Held out": the Score on photos of the training
sources that nothing was trained on. GMACs (what the report calls GFLOPs), parameters and milliseconds are
measured: fvcore's count, and one face in OpenVINO, float32, CPU time on one core, without resizing; at
{crop} where a system takes any size. Hours are those of its training, beside others.

"""


def measure_systems(
    runs: Path, ladder: StoredCrops, say: Callable[[str], None], again: bool = False
) -> dict[str, dict[str, Any]]:
    """Return the figures of every system that was trained, by name; those measured before are read.

    Args:
        runs: with a folder for each system.
        ladder: what all are measured on.
        say: gets a line for each that is measured now.
        again: whether to measure those too that were.

    Raises:
        RecipeError: weights cannot be read, or a system scores all pictures alike.
    """
    rows = {}
    for name in facegauge_models.names(teachers=False):
        folder = runs / name
        if not (folder / "result.json").is_file():
            continue
        kept = folder / ROW
        if again or not kept.is_file() or json.loads(kept.read_text())["on"] != ladder.fingerprint():
            trained = json.loads((folder / "result.json").read_text(encoding="utf-8"))
            row = {"trained": trained, "on": ladder.fingerprint(), **_measured(name, folder, ladder)}
            write_json(kept, row)
            say(f"{name}: Score {row['score']:.4f}, {row['ms']:.1f} ms")
        rows[name] = json.loads(kept.read_text(encoding="utf-8"))
    return rows


def _measured(name: str, folder: Path, ladder: StoredCrops) -> dict[str, Any]:
    model, network = facegauge_models.info(name), load_network(folder / "model.pt")[1]
    scores = predict_pictures(network, model.test, ladder, torch.device("cpu"))
    figures = challenge_report(scores, ladder.scores.astype(np.float64), ladder.groups)
    example = picture_example(*(CROP if model.test.native else model.input_size))
    ms = openvino_ms(onnx_bytes(network, example), example.numpy(), runs=20)
    return {**figures, "ms": ms, "gmacs": count_gflops(network, example), "parameters": count_params(network)}


def page(rows: dict[str, dict[str, Any]]) -> str:
    """Return the page: the protocol, and a line a system in the order of the report's ranks."""
    text = PREFACE
    if rows:
        some = next(iter(rows.values()))
        trained = some["trained"]
        text += PROTOCOL.format(
            samples=f"{trained['samples']:,}",
            batch=max(trained["batch"]),
            least=LEAST_RATE,
            device=trained["device"],
            seed=trained["seed"],
            pictures=f"{some['pictures']:,}",
            groups=some["groups"],
            crop=f"{CROP[0]}x{CROP[1]}",
        )
        runs = [row["trained"] for row in rows.values()]
        settings = {(run["samples"], run["device"], run["seed"]) for run in runs}
        if len(settings) > 1:
            text += "**Rows were trained under different protocols** (see each run's result.json).\n\n"
        if len({run["initialisation"] == "random" for run in runs}) > 1:
            text += "**Rows that begin at random and rows that do not are not to be compared.**\n\n"
    lines = [_line(name, rows.get(name)) for name in facegauge_models.names(teachers=False)]
    return text + HEAD + "\n".join(lines) + "\n"


def _line(name: str, row: dict[str, Any] | None) -> str:
    reported = facegauge_models.info(name).reported
    assert reported is not None  # noqa: S101 - systems have a row in the report, teachers are not listed
    start = f"| {reported.rank or '-'} | {name} | {reported.score:.4f} |"
    if row is None:
        return start + " **not trained** |" + " |" * 11
    low, high = row["score_interval_95"]
    trained = row["trained"]
    taught = str(trained["teacher"]).split("@")[0]
    if taught == "none" and RECIPES[name].distillation:
        taught = "none (its recipe has one)"
    return (
        f"{start} {trained['initialisation']} | {taught} | {row['score']:.4f} ({low:.3f} to {high:.3f}) "
        f"| {row['srocc']:.4f} | {row['plcc']:.4f} | {row['rmse']:.4f} | {trained['score']:.4f} "
        f"| {row['gmacs']:.4f} | {row['parameters'] / 1e6:.4f} | {row['ms']:.1f} | {trained['samples']:,} "
        f"| {trained['seconds'] / 3600:.2f} |"
    )
