"""Measure students side by side: agreement on the val ladder, multiply-adds, and CPU time a face.

Each student is written as ONNX beside its checkpoint and measured here and now: SROCC, PLCC, RMSE and order
on the ladder (`evaluate`), multiply-adds (fvcore), and OpenVINO's CPU time for one crop in float32 on one
core. The students take turns while they are timed, so that other work on the machine affects all of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.progress import track

from facegauge_models.measure import count_gflops, count_params, crop_example, openvino_ms
from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.evaluation.compare_page import StudentRow
from facegauge_training.evaluation.evaluate import evaluate
from facegauge_training.evaluation.model_outputs import score_crops
from facegauge_training.fitting.checkpoint import Trained, load_trained, write_onnx

__all__ = ["compare_students"]

TURNS, CALLS = 5, 12
"""Rounds in which each student is timed, and calls in each."""


def compare_students(files: dict[str, Path], ladder: CropSet) -> list[StudentRow]:
    """Return a row for each student.

    Args:
        files: run -> its student.pt; `student.onnx` is written beside it.
        ladder: of the val split.

    Raises:
        RecipeError: a file is missing, or is no finished training's.
    """
    students = {run: load_trained(path) for run, path in files.items()}
    models = {run: path.with_name("student.onnx") for run, path in files.items()}
    for run, student in students.items():
        write_onnx(student, models[run])
    times: dict[str, list[float]] = {run: [] for run in files}
    for _ in track(range(TURNS), "timing"):
        for run, student in students.items():
            crop = np.zeros((1, crop_height(student.width), student.width, 3), np.uint8)
            times[run].append(openvino_ms(models[run], crop, CALLS))
    return [
        _measure(run, student, models[run], min(times[run]), ladder)
        for run, student in track(students.items(), "scoring")
    ]


def _measure(run: str, student: Trained, model: Path, ms: float, ladder: CropSet) -> StudentRow:
    figures = evaluate(score_crops(model, ladder, threads=1), ladder)
    origin, network = student.provenance, student.network
    example = crop_example(crop_height(student.width), student.width)
    low, high = figures["interval_95"]["srocc"]
    return StudentRow(
        run=run,
        backbone=origin.backbone,
        width=student.width,
        initialisation=origin.initialisation,
        teacher=origin.teacher,
        samples=origin.samples,
        gmacs=count_gflops(network, example),
        parameters_m=count_params(network) / 1e6,
        ms=ms,
        srocc=figures["srocc"],
        plcc=figures["plcc"],
        rmse=figures["rmse"],
        neighbours=figures["ordered_pairs"]["neighbours"],
        srocc_low=low,
        srocc_high=high,
    )
