"""Measure the systems that were trained under one protocol, and our students beside them.

Measured here, on the ladder of unseen faces: agreement; and on this machine: multiply-adds, parameters and
milliseconds. What a training cost is what its result.json says. A row is kept beside what it was measured of,
and is not measured again unless the weights or the ladder have changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import facegauge_models
from facegauge_models.measure import (
    count_gflops,
    count_params,
    crop_example,
    onnx_bytes,
    openvino_ms,
    openvino_run,
    picture_example,
)
from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.onnx_file import score_pictures
from facegauge_training.challenge.predict import BATCH, rows_as_tested
from facegauge_training.challenge.stored_crops import StoredCrops
from facegauge_training.challenge.weights import load_network
from facegauge_training.common.atomic import write_json
from facegauge_training.common.metrics import challenge_report, srocc_within

__all__ = ["CROP", "FIGURES", "PATCHES", "Row", "measure_patches", "measure_students", "measure_systems"]

Row = dict[str, Any]
"""What challenge_report says, with `srocc_within` a face, `ms`, `gmacs`, `parameters` and `trained`, which is
how it was trained."""
FIGURES = ("score", "score_interval_95", "srocc", "srocc_within", "plcc", "rmse", "gmacs", "parameters", "ms")
"""What pages tell of a row. One that was kept before it had them all is measured again."""
CROP = (384, 288)
"""Height and width of the crops that a system without a size of its own is timed at."""
PATCHES = 20
"""Random patches whose mean was the report's better baseline."""
TURNS, CALLS = 3, 12
"""A time is the least of so many medians of so many calls."""


def measure_systems(
    runs: Path, ladder: StoredCrops, say: Callable[[str], None], again: bool = False
) -> dict[str, Row]:
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
        if (folder / "result.json").is_file():
            rows[name] = _kept(
                folder / "row.json", _measured_on(folder, ladder), again, say, name,
                lambda name=name, folder=folder: _measured(name, folder, ladder),  # type: ignore[misc]
            )  # fmt: skip
    return rows


def measure_patches(
    runs: Path, ladder: StoredCrops, say: Callable[[str], None], again: bool = False
) -> dict[str, Row]:
    """Return the figures of the baseline that averages `PATCHES` random patches, if it was trained."""
    folder = runs / "baseline"
    if not (folder / "result.json").is_file():
        return {}
    name = f"baseline, {PATCHES} patches"

    def measured() -> Row:
        model, network = facegauge_models.info("baseline"), load_network(folder / "model.pt")[1]
        one = picture_example(*model.input_size)
        coded = onnx_bytes(network, one)
        scores = [_scores(coded, one, model.test, ladder, draw) for draw in range(PATCHES)]
        example = one.repeat(PATCHES, 1, 1, 1)
        return {
            **_agreement(np.mean(scores, axis=0), ladder),
            "trained": json.loads((folder / "result.json").read_text(encoding="utf-8")),
            "ms": _ms(onnx_bytes(network, example), example.numpy()),
            "gmacs": count_gflops(network, example),
            "parameters": count_params(network),
        }

    return {name: _kept(folder / "patches.json", _measured_on(folder, ladder), again, say, name, measured)}


def measure_students(
    runs: Path, ladder: StoredCrops, say: Callable[[str], None], again: bool = False
) -> dict[str, Row]:
    """Return the figures of the students that the server ships, by name."""
    from facegauge_server.engines.student import load_student, shipped_students

    rows = {}
    for name in shipped_students():
        student = load_student(name)

        def measured(student: Any = student) -> Row:
            told, example = student.manifest, crop_example(student.input_height, student.input_width)
            teachers = ", ".join(str(teacher) for teacher in told.get("teachers", ())) or "not recorded"
            return {
                **_agreement(score_pictures(student.onnx_path, ladder), ladder),
                "trained": {
                    "initialisation": told.get("initialisation", "not recorded"),
                    "teacher": teachers,
                    "samples": told["train_samples"],
                },
                "ms": _ms(student.onnx_path, example.numpy()),
                "gmacs": told["gflops"],
                "parameters": told["parameters"],
            }

        kept = runs / "students" / f"{name}.json"
        rows[name] = _kept(kept, f"{ladder.fingerprint()} {student.sha256}", again, say, name, measured)
    return rows


def _measured_on(folder: Path, ladder: StoredCrops) -> str:
    weights = hashlib.sha256((folder / "model.pt").read_bytes()).hexdigest()
    return f"{ladder.fingerprint()} {weights}"


def _kept(
    path: Path, on: str, again: bool, say: Callable[[str], None], name: str, measure: Callable[[], Row]
) -> Row:
    if path.is_file() and not again:
        row: Row = json.loads(path.read_text(encoding="utf-8"))
        if row["on"] == on and row.keys() >= set(FIGURES):
            return row
    row = {"on": on, **measure()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, row)
    say(f"{name}: Score {row['score']:.4f}, {row['ms']:.1f} ms")
    return row


def _measured(name: str, folder: Path, ladder: StoredCrops) -> Row:
    model, network = facegauge_models.info(name), load_network(folder / "model.pt")[1]
    example = picture_example(*(CROP if model.test.native else model.input_size))
    coded = onnx_bytes(network, example)
    return {
        **_agreement(_scores(coded, example, model.test, ladder), ladder),
        "trained": json.loads((folder / "result.json").read_text(encoding="utf-8")),
        "ms": _ms(coded, example.numpy()),
        "gmacs": count_gflops(network, example),
        "parameters": count_params(network),
    }


def _scores(
    model: bytes, example: torch.Tensor, how: Preprocessing, ladder: StoredCrops, draw: int | None = None
) -> npt.NDArray[np.float64]:
    """Return the scores (n,) of the ladder, one crop after another, several times as fast as torch's."""
    run = openvino_run(model, example.shape)
    scores = np.empty(len(ladder))
    for at in range(0, len(ladder), BATCH):
        some = range(at, min(at + BATCH, len(ladder)))
        for numbers, inputs in rows_as_tested(ladder, some, how, torch.device("cpu"), draw):
            for number, picture in zip(numbers, inputs.contiguous().numpy(), strict=True):
                scores[number] = run(picture[None])[0]
    return scores


def _agreement(scores: npt.NDArray[np.float64], ladder: StoredCrops) -> Row:
    labels = ladder.scores.astype(np.float64)
    within = srocc_within(scores, labels, np.array(ladder.groups))
    return {**challenge_report(scores, labels, ladder.groups), "srocc_within": within}


def _ms(model: bytes | Path, example: npt.NDArray[Any]) -> float:
    return min(openvino_ms(model, example, CALLS) for _ in range(TURNS))
