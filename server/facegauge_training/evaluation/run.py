"""Evaluate a student on everything that the cache holds: both ladders of the val split, and calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facegauge_training.data.call_clips import call_clip_store
from facegauge_training.data.cause_labels import cause_ladder_store
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ladder_store
from facegauge_training.evaluation.baselines.run import run_baselines
from facegauge_training.evaluation.calls import Call, call_figures, calls_of
from facegauge_training.evaluation.cause_agreement import agreement_by_cause
from facegauge_training.evaluation.cause_reliability import cause_reliability
from facegauge_training.evaluation.evaluate import evaluate, measure
from facegauge_training.evaluation.figures import honest_figures, mixed_families, model_figures
from facegauge_training.evaluation.model_outputs import remembered_outputs
from facegauge_training.evaluation.report.calls_section import call_section
from facegauge_training.evaluation.report.causes_section import cause_section
from facegauge_training.evaluation.report.measured import MIN_FACES, Measured
from facegauge_training.evaluation.report.page import Section
from facegauge_training.evaluation.report.targets_section import target_section
from facegauge_training.evaluation.targets import held_against_targets

__all__ = ["Evaluation", "run_evaluation"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A student's figures, and what a page about them is made from."""

    figures: dict[str, Any]
    """As JSON holds them."""
    measured: Measured | None
    """On the val ladder; None where it has too few faces."""
    ladder: CropSet
    calls: list[Call]
    """None were measured if empty."""
    left_out: list[str]
    """What was not measured, and how to have it measured."""

    def sections(self) -> list[Section]:
        """Return the page's sections that go beyond the ladder: targets, calls, causes."""
        causes, calls = self.figures.get("causes"), self.figures.get("calls")
        return [
            target_section(self.figures["targets"]),
            *([call_section(self.calls, calls)] if calls else []),
            *([cause_section(causes, self.figures["cause_reliability"])] if causes else []),
        ]


def run_evaluation(model: Path, cache: Path, baselines: bool) -> Evaluation:
    """Measure an ONNX student.

    Args:
        model: its file; a manifest beside it says what it is.
        cache: with the ladder, and perhaps the ladder of causes and the calls.
        baselines: whether to measure the baselines too.

    Raises:
        RecipeError: there is no ladder, too little of it, or the file is no student.
    """
    ladder = CropSet([ladder_store(cache)])
    scores = remembered_outputs(model, ladder, cache).quality
    figures: dict[str, Any] = {"model": model_figures(model)} | evaluate(scores, ladder)
    left_out: list[str] = []
    calls: list[Call] = []
    measured = None
    if figures["faces"] >= MIN_FACES:
        measured = measure(scores, ladder, run_baselines(ladder, cache) if baselines else {})
        figures |= honest_figures(measured, ladder)
    else:
        left_out.append(f"groups of faces, uncertainty: fewer than {MIN_FACES} faces")
    if _is_there(cause_ladder_store(cache)):
        mixed = CropSet([cause_ladder_store(cache)])
        outputs = remembered_outputs(model, mixed, cache)
        if measured:
            figures["mixed_families"] = mixed_families(outputs.quality, mixed)
        if outputs.causes is None:
            left_out.append("causes: this student names none")
        else:
            figures["causes"] = agreement_by_cause(outputs.causes, mixed)
            figures["cause_reliability"] = cause_reliability(outputs.causes, mixed)
    else:
        left_out.append("causes: run `facegauge-train cause-labels` first")
    if _is_there(call_clip_store(cache)):
        clips = CropSet([call_clip_store(cache)])
        calls = calls_of(remembered_outputs(model, clips, cache).quality, clips)
        figures["calls"] = call_figures(calls)
        seen = {str(row["source"]) for row in clips.rows} & set(figures["model"].get("trained_on", ()))
        if seen:
            left_out.append(f"calls it has not seen: it was trained on videos from {', '.join(sorted(seen))}")
    else:
        left_out.append("calls: run `facegauge-train call-clips` first")
    figures["targets"] = held_against_targets(figures)
    return Evaluation(figures, measured, ladder, calls, left_out)


def _is_there(store: Path) -> bool:
    return any(store.glob("*.json"))
