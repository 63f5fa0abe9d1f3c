"""The whole way from photos to exported students, as `recipe.sh` goes it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.ladder import ladder_steps, ladder_store
from facegauge_training.evaluation import compare

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "server" / "facegauge_training" / "recipe.sh"
RECORDER = """#!/bin/sh
printf '%s\\037' "$@" >>"$RECORD"
echo >>"$RECORD"
"""


def run_recipe(
    *options: str | Path, python: str = sys.executable, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": python, **more}
    command = ["sh", str(RECIPE), *map(str, options)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def commands_of(recipe: Path, *options: str | Path) -> list[list[str]]:
    """Return the commands that the recipe gives, in order; a recorder stands for Python."""
    python, record = recipe / "python", recipe / "commands"
    python.write_text(RECORDER)
    python.chmod(0o755)
    finished = run_recipe(*options, python=str(python), RECORD=str(record))
    assert finished.returncode == 0, finished.stderr
    return [line.split("\037")[:-1] for line in record.read_text().splitlines()]


@pytest.fixture(scope="module")
def out(natural_faces: Path, tmp_path_factory: pytest.TempPathFactory, done: Callable[..., str]) -> Path:
    """What `--budget smoke` leaves, from invented pictures: its commands, run in this process.

    A process for each of its fifteen commands spends more time importing torch than training.
    """
    folder = tmp_path_factory.mktemp("recipe")
    places = ("--faces", natural_faces, "--cache", folder, "--out", folder / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "TURNS", 1)  # how often each student is compiled and timed
        for command in commands_of(folder, "--budget", "smoke", *places):
            assert command[:2] == ["-m", "facegauge_training"]
            workers = ("--workers", "1") if command[2] in ("cause-labels", "labels") else ()
            done(*command[2:], *workers)
    return folder / "out"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_recipe_runs_from_photos_to_students(out: Path) -> None:
    """Two students are exported within the limits, and their cards say what they are."""
    for name in ("facegauge-small", "edgenext"):
        manifest = json.loads((out / f"{name}-smoke" / "manifest.json").read_text())
        model = (out / f"{name}-smoke" / "model.onnx").read_bytes()
        assert hashlib.sha256(model).hexdigest() == manifest["sha256"]
        assert manifest["gflops"] <= 0.5
        assert manifest["onnx_torch_difference"] <= 1e-3
        assert manifest["trained_on"] == ["invented-train", "soft"]
        assert "not** a human" in (out / f"{name}-smoke" / "MODEL_CARD.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_students_are_compared(out: Path) -> None:
    """Four rows, each with the teacher of the last round, and a plot."""
    page = (out / "students.md").read_text()
    for name in ("mobilenetv3-small", "mobilenetv4-small", "edgenext", "efficientnet-lite0"):
        row = next(line for line in page.splitlines() if f"recipe-smoke-{name} " in line)
        assert "teacher-2@" in row
    assert (out / "students.png").stat().st_size > 5000


@pytest.mark.shared
@pytest.mark.timeout(300)
def test_a_research_photo_is_labelled(shared_faces: Path, tmp_path: Path, done: Callable[..., str]) -> None:
    """On a real face labels fall with every step of x264, and the train split gets its crops."""
    options = ("--faces", shared_faces, "--cache", tmp_path, "--limit", "1", "--workers", "1")
    done("ladder", *options)
    assert "22 crops a face" in done("labels", *options)
    ladder = CropSet([ladder_store(tmp_path)])
    coded = [i for i, (family, _) in enumerate(ladder_steps(ladder)) if family == "x264"]
    assert (np.diff(ladder.labels[coded]) < 0).all()


@pytest.mark.parametrize("budget", ["small", "full"])
def test_larger_budgets_give_commands_that_exist(
    natural_faces: Path, tmp_path: Path, budget: str, train: Callable[..., object]
) -> None:
    """Every command and every option is known; the last one measures the default student."""
    places = ("--faces", natural_faces, "--cache", tmp_path, "--out", tmp_path / "out")
    commands = commands_of(tmp_path, "--budget", budget, "--videos", tmp_path, *places)
    assert commands[-1][2] == "evaluate"
    for command in commands:
        help_page = train(command[2], "--help").output  # type: ignore[attr-defined]
        assert all(word in help_page for word in command if word.startswith("--")), command


@pytest.mark.parametrize("options", [(), ("--budget",), ("--budget", "huge"), ("--quick",)])
def test_bad_options_are_refused(options: tuple[str, ...]) -> None:
    """No, half or unknown options end with a sentence and exit code 2."""
    finished = run_recipe(*options)
    assert finished.returncode == 2
    assert finished.stderr.startswith("recipe.sh: ")


def test_photos_that_are_not_there_end_the_recipe(tmp_path: Path) -> None:
    """A wrong folder of faces ends it at its first step, with the way out."""
    finished = run_recipe("--budget", "smoke", "--faces", tmp_path / "none", "--cache", tmp_path)
    assert finished.returncode == 1
    assert "--faces" in finished.stderr
