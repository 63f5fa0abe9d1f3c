"""Sections of the page on agreement with the label: by step, calibration, uncertainty, failures."""

from __future__ import annotations

import numpy as np

from facegauge_training.data.crop_set import CropSet
from facegauge_training.evaluation.report.calibration import calibration, expected_error, prediction_interval
from facegauge_training.evaluation.report.failures import worst
from facegauge_training.evaluation.report.measured import Measured
from facegauge_training.evaluation.report.page import Section, Table
from facegauge_training.evaluation.report.plots import (
    plot_calibration,
    plot_interval,
    plot_scatter,
    plot_spread,
    plot_steps,
)
from facegauge_training.evaluation.report.spread import TARGET as SPREAD_TARGET
from facegauge_training.evaluation.report.spread import spread_by_step, worst_spread

__all__ = ["agreement_sections", "failure_sections"]


def agreement_sections(measured: Measured) -> list[Section]:
    """Return the sections on agreement with the label."""
    return [
        Section(
            "Score against label",
            "Every crop of the ladder, its label across and the student's score up; the line is perfect.",
            "A bend away from the line, a family that lies apart, or a cloud that is wider at one end.",
            plots=(plot_scatter(measured),),
        ),
        Section(
            "From mild to harsh",
            "Mean and standard deviation over faces of label and score at each step. Noise and darkness "
            "rest on stated anchors, which nobody has checked against people.",
            "A score that stays flat or rises where the label falls; a spread far over the label's own.",
            plots=(plot_steps(measured),),
        ),
        _spread(measured),
        _calibration(measured),
        _uncertainty(measured),
    ]


def failure_sections(measured: Measured, crops: CropSet) -> list[Section]:
    """Return the crops that the student is most wrong about."""
    sides = (
        ("high", 1, "Ruined faces that score well: no operator would be alerted."),
        ("low", -1, "Good pictures that are called bad: an operator would be woken for nothing."),
    )
    kinds = (("", measured.plain, 12), (", noise and darkness", ~measured.plain, 6))
    return [
        Section(
            f"Failures: scored too {which}{kind}",
            "The furthest of each face, worst first: what was scored, and beside it the same face as it was "
            "filmed.",
            bad,
            failures=tuple(worst(measured, crops, sign, among, count)),
        )
        for kind, among, count in kinds
        for which, sign, bad in sides
    ]


def _spread(measured: Measured) -> Section:
    steps = spread_by_step(measured)
    worst = worst_spread(steps)
    met = sum(step.share <= SPREAD_TARGET for step in steps)
    return Section(
        "Spread at one severity",
        "Standard deviation over faces at each step: of the labels, and of score less label. The labels of "
        "one step differ by how much detail a face had to lose; a student that saw nothing of the face would "
        "have all of it as its error.",
        "A step where the error's spread is as wide as the labels' own: there the score does not tell faces "
        "apart.",
        f"At {met} of {len(steps)} steps the error's spread is at most {SPREAD_TARGET} of the labels' own. "
        f"Widest beside it: {worst.family} {worst.number}, {worst.error:.3f} against {worst.labels:.3f}.",
        (plot_spread(steps),),
    )


def _calibration(measured: Measured) -> Section:
    plain = calibration(measured.chosen(measured.plain))
    anchored = calibration(measured.chosen(~measured.plain)) if (~measured.plain).sum() >= 24 else []
    error = expected_error(plain)
    return Section(
        "Calibration",
        "Crops whose scores lie in the same tenth: the mean of their labels against the mean of their "
        "scores, and what is left of the difference.",
        "Points off the line beyond their intervals: a score that means another label than it says.",
        f"Expected calibration error, the mean of |label less score| over tenths: {error:.3f} (plain VMAF).",
        (plot_calibration(plain, anchored),),
    )


def _uncertainty(measured: Measured) -> Section:
    plain = measured.chosen(measured.plain)
    interval = prediction_interval(plain)
    lines = tuple(
        (f"{middle - 0.05:.1f} to {middle + 0.05:.1f}", str(crops), f"{low:+.3f}", f"{high:+.3f}")
        for middle, low, high, crops in zip(
            interval.scores, interval.low, interval.high, interval.crops, strict=True
        )
    )
    return Section(
        "Uncertainty",
        "Label less score by score, with the band that holds nine of ten crops: how far one picture's label "
        "may be from its score. It covers unseen faces at the ladder's steps, not defects that the ladder "
        "does not have.",
        "A band that is much wider at some scores than elsewhere, or that does not hold 90% of faces it was "
        "not made from.",
        f"Made from one half of the faces it holds {interval.held:.1%} of the other half's labels; "
        f"mean width {np.mean(interval.high - interval.low):.2f}.",
        (plot_interval(interval, plain),),
        (Table("90% interval of the label", ("score", "crops", "label at least", "at most"), lines),),
    )
