"""Train all fourteen systems under one protocol, and write the report's Table 1 anew, on our labels.

Each system keeps its own loss, optimiser, stages, rates, sizes and augmentation
(`challenge/team_recipes.py`), shortened to the same number of steps and the same batch. Within a stage its
rate falls by a cosine, for all: schedules that fall tenfold every few epochs stand still after the first
steps of so short a run. A killed run resumes, in the middle of a system too; a finished row is not trained
again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import facegauge_models
from facegauge_models.measure import onnx_session, openvino_ms
from facegauge_training.challenge.onnx_file import score_pictures
from facegauge_training.challenge.pictures import read_pictures
from facegauge_training.challenge.recipe import RateSchedule
from facegauge_training.challenge.start import ChallengeOptions, run_training
from facegauge_training.challenge.team_recipes import RECIPES, find_recipe
from facegauge_training.common.atomic import write_json, write_text
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.metrics import challenge_report

__all__ = ["Protocol", "fill_table", "table"]

HEAD = (
    "| rank | system | reported Score | initialisation | teacher | Score (95%) | SROCC | PLCC | PLCC fitted "
    "| RMSE | ms a face | GMACs |\n|---:|---|---:|---|---|---|---:|---:|---:|---:|---:|---:|\n"
)

PREFACE = """# Table 1 on our labels

Written by `facegauge-train table1`. The reported Score is agreement with the challenge's own
labels, on its data; ours is agreement with labels anchored on VMAF, on faces from sources that no system was
trained on. The two do not compare, and neither is agreement with people. Rows stand in the order of the
report's ranks; it is no ranking of ours.

"""
PROTOCOL = """Protocol: {} steps of at most {} pictures for every system, with its own loss, optimiser,
stages, rates, sizes, augmentation and held-out share; within a stage the rate falls by {} schedule; seed {}.
Trained on at most {} pictures ({:.1f} passes over them), measured on {} pictures of {} other faces. Score is
(SROCC + PLCC) / 2 with the PLCC as it is; intervals are 95%, by bootstrap over faces. Milliseconds: one face
in OpenVINO, float32, CPU time on one core. GMACs are the report's "GFLOPs": multiply-adds in 1e9.

"""
SHORT_PASSES = 20
SHORT = """**No row has converged.** So short a training tells how fast a system learns from these weights and
at these rates, not how good it gets: networks with layer scale and transformer blocks hardly move from where
they started.

"""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How every system is trained and measured."""

    data: Path
    """Folder of `scored_images`."""
    folder: Path
    """Gets a folder for each system."""
    steps: int
    batch: int
    seed: int
    pretrained: bool = False
    teacher: Path | None = None
    """model.pt for the systems that distil; without it they learn from labels alone."""
    cosine: bool = True
    """Whether rates fall by a cosine instead of the recipe's schedule."""


def fill_table(
    protocol: Protocol, systems: Sequence[str], out: Path, say: Callable[[str], None]
) -> dict[str, str]:
    """Train and measure systems, one after another, and write the page after each of them.

    Args:
        protocol: the same for all; with no steps nothing is trained.
        systems: their names.
        out: the page, Markdown.
        say: gets lines about what is done.

    Returns:
        Why a system failed, by its name.

    Raises:
        RecipeError: there is no such system.
    """
    for name in systems:
        find_recipe(name)
    failed: dict[str, str] = {}
    out.parent.mkdir(parents=True, exist_ok=True)
    for name in systems if protocol.steps else ():
        try:
            _train_and_measure(name, protocol, say)
        except RecipeError as error:
            failed[name] = error.message
            say(f"{name}: {error.message}")
        write_text(out, table(protocol.folder, failed))
    write_text(out, table(protocol.folder, failed))
    return failed


def _train_and_measure(name: str, protocol: Protocol, say: Callable[[str], None]) -> None:
    """Train and measure one system, unless it is done."""
    folder, data = protocol.folder / name, protocol.data
    if (folder / "row.json").is_file():
        say(f"{name} is done already")
        return
    distils = RECIPES[name].distillation in ("scores", "grades")
    options = ChallengeOptions(
        name,
        data / "train",
        data / "train.csv",
        folder,
        protocol.seed,
        steps=protocol.steps,
        batch=protocol.batch,
        pretrained=protocol.pretrained,
        teacher=protocol.teacher if distils else None,
        without_teacher=protocol.teacher is None,
        schedule=RateSchedule("cosine") if protocol.cosine else None,
    )
    result = run_training(options, say)
    val = read_pictures(data / "val", data / "val.csv")
    model = folder / "model.onnx"
    figures = challenge_report(score_pictures(model, val), val.scores.astype(np.float64), val.groups)
    shape = onnx_session(model).get_inputs()[0].shape
    ms = openvino_ms(model, np.zeros((1, *shape[1:]), np.float32), runs=20)
    write_json(folder / "row.json", {**result, **figures, "ms": ms, "size": shape[2:]})


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
    protocols = sorted(
        {(sum(row["steps"]), max(row["batch"]), row["schedule"], row["seed"]) for row in rows.values()}
    )
    some = next(iter(rows.values()))
    steps, batch, schedule, seed = protocols[0]
    schedule = schedule if schedule == "its own" else f"a {schedule}"
    most = max(row["train_pictures"] for row in rows.values())
    passes = steps * batch / most
    counts = most, passes, some["pictures"], some["groups"]
    text += PROTOCOL.format(steps, batch, schedule, seed, *counts)
    if passes < SHORT_PASSES:
        text += SHORT
    if len(protocols) > 1:
        text += "**Rows were trained under different protocols** (see each run's result.json).\n\n"
    if len({row["initialisation"] for row in rows.values()}) > 1:
        text += "**Rows of different initialisation do not compare.**\n\n"
    return text
