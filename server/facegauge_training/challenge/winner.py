"""The winner's way as a whole: a teacher that teaches itself twice, and a student of all that it said.

Section 3.1 of the report (ECNU-SJTU VQA Team). With labelled pictures L and unlabelled ones U1, U2:

    T0 = fit(L)                       teacher on the labels
    P1 = {(x, f0(T0(x))): x in U1}    first round of pseudo-labels
    T1 = fit(L + P1)                  the same architecture again, no noise added to the pictures
    P2 = {(x, f1(T1(x))): x in U2}    second round
    S  = fit(L + P1 + P2)             the student

each fit by mean squared error plus one minus Pearson's correlation of a batch, and f the logistic curve of
four parameters from a teacher's scores to labels, fitted on the labelled pictures that are held out (a fifth
of the groups, the same in every stage). Every stage resumes after a kill, and one that is done is not
repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facegauge_training.challenge.pictures import hold_out, read_pictures
from facegauge_training.challenge.start import ChallengeOptions, run_training
from facegauge_training.challenge.teacher import Teacher, pseudo_label
from facegauge_training.common.atomic import write_text
from facegauge_training.common.errors import RecipeError

__all__ = ["STUDENT", "TEACHERS", "WinnerOptions", "train_winner"]

STUDENT = "ecnu-sjtu"
TEACHERS = ("swin-b", "efficientnet-lite0", "efficientnet-lite2")
HELD_OUT = 0.2
"""The winner's share."""


@dataclass(frozen=True, slots=True)
class WinnerOptions:
    """What a person asks for."""

    images: Path
    labels: Path
    unlabelled: tuple[Path, Path]
    """Folders of the two rounds."""
    folder: Path
    """Gets a folder a stage, the pseudo-labels and report.md."""
    teacher: str = "swin-b"
    """One of `TEACHERS`."""
    pretrained: bool = True
    """Whether the teacher begins with published weights."""
    start_student_from: Path | None = None
    """The student's weights or backbone, in place of random ones."""
    seed: int = 1
    budget: float = 1.0
    teacher_steps: int | None = None
    student_steps: int | None = None
    """Steps, instead of a share of the recipe's."""
    least_rate: float | None = None
    """For a short way: what each recipe's first rate is lifted to."""


def train_winner(options: WinnerOptions, say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Train teacher, teacher again and student, and write the report.

    Returns:
        What result.json of each stage says, by the stage's name.

    Raises:
        RecipeError: something asked for or found on the disk is not as it must be.
    """
    if options.teacher not in TEACHERS:
        raise RecipeError(f"--teacher-backbone {options.teacher}: choose one of {', '.join(TEACHERS)}.")
    pictures = read_pictures(options.images, options.labels, decode=False)
    kept = pictures.take(np.flatnonzero(hold_out(pictures, HELD_OUT)))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    stages: dict[str, dict[str, Any]] = {}
    tables: list[Path] = []
    for number, unlabelled in enumerate(options.unlabelled):
        name = f"teacher-{number}"
        asked = replace(
            _options(options, name, tables), system=options.teacher, pretrained=options.pretrained
        )
        stages[name] = _stage(replace(asked, steps=options.teacher_steps), say)
        teacher = Teacher(asked.folder / "model.pt", device)
        labelled = pseudo_label(teacher, unlabelled, kept, options.folder)
        tables.append(labelled.table)
        stages[name]["labelled"] = len(labelled)
        stages[name]["mean label"] = float(labelled.scores.mean())
        say(f"round {number + 1}: {len(labelled)} pictures of {unlabelled} labelled")
    asked = replace(_options(options, "student", tables), start_from=options.start_student_from)
    stages["student"] = _stage(replace(asked, steps=options.student_steps), say)
    write_text(options.folder / "report.md", report(options, stages))
    return stages


def _options(options: WinnerOptions, name: str, tables: list[Path]) -> ChallengeOptions:
    return ChallengeOptions(
        STUDENT, options.images, options.labels, options.folder / name, options.seed, options.budget,
        pseudo=tuple(tables), held_out=HELD_OUT, least_rate=options.least_rate,
    )  # fmt: skip


def _stage(options: ChallengeOptions, say: Callable[[str], None]) -> dict[str, Any]:
    if options.steps is not None:
        options = replace(options, budget=1.0)
    done = options.folder / "result.json"
    if done.is_file():
        say(f"{options.folder.name} is done already")
        result: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return result
    say(f"--- {options.folder.name}: {options.system}")
    return run_training(options, say)


def report(options: WinnerOptions, stages: dict[str, dict[str, Any]]) -> str:
    """Return what each stage saw and reached, Markdown."""
    head = (
        "| stage | network | begins from | pictures | Score | SROCC | PLCC | RMSE | seconds "
        "| then labels | their mean |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    lines = [
        f"| {name} | {row['system']} | {row['initialisation']} | {row['train_pictures']:,} "
        f"| {_figure(row['score'])} | {_figure(row['srocc'])} | {_figure(row['plcc'])} | {row['rmse']:.4f} "
        f"| {row['seconds']:.0f} | {row.get('labelled', '')} | {_figure(row.get('mean label'), '')} |"
        for name, row in stages.items()
    ]
    return (
        "# The winner's way\n\n"
        f"Labels: `{options.labels}`; without labels: `{options.unlabelled[0]}`, `{options.unlabelled[1]}`. "
        "Figures are on the same held-out rows (a fifth of the groups) in every stage, on which each stage's "
        "best weights were chosen: they compare stages, and promise nothing about other pictures. Measure "
        "the student on others: `facegauge-train evaluate-images --model student/model.onnx`.\n\n"
        + head
        + "\n".join(lines)
        + "\n"
    )


def _figure(value: float | None, missing: str = "not defined") -> str:
    return missing if value is None else f"{value:.4f}"
