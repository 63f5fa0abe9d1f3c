"""Every figure of a student's evaluation, by name: what `evaluate --json` writes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from facegauge_training.common.metrics import members
from facegauge_training.data.cause_plan import CAUSE_LADDER
from facegauge_training.data.crop_set import CropSet, chain_of
from facegauge_training.evaluation.report.calibration import (
    calibration,
    coverage_by,
    expected_error,
    interval_by_score,
    prediction_interval,
)
from facegauge_training.evaluation.report.face_groups import Grouping, compare_groups, groupings
from facegauge_training.evaluation.report.gaps import own_bias
from facegauge_training.evaluation.report.groups import Group, by_family, error_by_face, trend
from facegauge_training.evaluation.report.measured import Estimate, Floats, Measured
from facegauge_training.evaluation.report.spread import spread_by_step

__all__ = ["honest_figures", "mixed_families", "model_figures"]

NEAR = 0.1


def model_figures(model: Path) -> dict[str, Any]:
    """Return what the manifest beside a model says of it; its folder's name where there is none."""
    path = model.with_name("manifest.json")
    figures: dict[str, Any] = {"name": model.parent.name, "version": "", "sha256": _digest(model)}
    if path.is_file():
        manifest = json.loads(path.read_text(encoding="utf-8"))
        kept = ("version", "architecture", "gflops", "parameters", "openvino_f32_ms", "trained_on")
        figures |= {key: manifest[key] for key in kept if key in manifest}
    return figures


def honest_figures(measured: Measured, crops: CropSet) -> dict[str, Any]:
    """Return how a student's error depends on whose face it is, and how far a score may be off.

    Args:
        measured: the student on the val ladder.
        crops: the ladder, in the same order.
    """
    plain = measured.chosen(measured.plain)
    errors = error_by_face(plain)
    grouped = groupings(measured, crops)
    sources = np.array([str(row["source"]) for row in crops.rows])[measured.plain]
    one_crop = prediction_interval(plain)
    steps = spread_by_step(measured)
    return {
        "own_bias": {**_estimate(own_bias(plain)), "near": round(float(np.mean(np.abs(errors) < NEAR)), 4)},
        "spread_by_step": [
            {"family": step.family, "step": step.number, "error": round(step.error, 4)}
            | {"labels": round(step.labels, 4), "share": round(step.share, 3)}
            for step in steps
        ],
        "groups": {grouping.name: _compared(measured, grouping) for grouping in grouped},
        "by_family": [_group(group) for group in by_family(measured)],
        "calibration_error": round(expected_error(calibration(plain)), 4),
        "one_crop_interval": one_crop.as_json()
        | {"held_by_source": {name: round(v, 4) for name, v in coverage_by(plain, sources).items()}},
        "beyond_the_score": _beyond(plain, {g.name: g.values for g in grouped if g.values is not None}),
    }


def mixed_families(scores: Floats, crops: CropSet, resamples: int = 500) -> list[dict[str, Any]]:
    """Return agreement by family of the ladder of mixed causes: calls, lost packets, pairs of defects."""
    family = {chain: name for name, chains in CAUSE_LADDER.items() for chain in chains}
    names = np.array([family.get(chain_of(row), "") for row in crops.rows])
    faces = np.array([str(row["key"]) for row in crops.rows])
    labels = crops.labels.astype(np.float64)
    step = np.zeros(len(labels), np.int_)
    known = names != ""
    measured = Measured(labels[known], scores[known], faces[known], names[known], step[known])
    return [_group(group) for group in by_family(measured, resamples)]


def _digest(model: Path) -> str:
    return hashlib.sha256(model.read_bytes()).hexdigest()


def _beyond(measured: Measured, of_face: dict[str, Floats]) -> dict[str, dict[str, float | None]]:
    """Return what besides the score tells how large a crop's error is, as rank correlations over faces.

    The error is taken relative to the interval at its score, so that the score's own part is gone.
    """
    interval = interval_by_score(measured.scores, measured.labels, measured.faces)
    middle = np.interp(measured.scores, interval.scores, (interval.low + interval.high) / 2)
    half = np.interp(measured.scores, interval.scores, (interval.high - interval.low) / 2)
    size = np.abs(measured.labels - measured.scores - middle) / half
    by_face = np.array([size[places].mean() for places in members(measured.faces)])
    return {name: _estimate(trend(values, by_face)) for name, values in of_face.items()}


def _compared(measured: Measured, grouping: Grouping) -> dict[str, Any]:
    compared = compare_groups(measured, grouping)
    gap = compared.gap
    return {
        "groups": [_group(group) for group in compared.groups],
        "gap": gap
        and {
            "lowest": gap.lowest,
            "highest": gap.highest,
            **_estimate(gap.width),
            "by_chance": round(gap.by_chance, 4),
            "chance": round(gap.chance, 4),
        },
        "trend": _estimate(compared.trend) if compared.trend else None,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "faces": group.faces,
        "crops": group.crops,
        "bias": _estimate(group.bias),
        "rmse": round(group.rmse, 4),
        "srocc": _estimate(group.srocc),
    }


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {name: round(value, 4) if np.isfinite(value) else None for name, value in asdict(estimate).items()}
