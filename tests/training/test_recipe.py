from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "server" / "facegauge_training" / "recipe.sh"


def run_recipe(*options: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable}
    command = ["sh", str(RECIPE), *map(str, options)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def check_student(out: Path, name: str) -> None:
    folder = out / f"{name}-smoke"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest() == manifest["sha256"]
    assert manifest["gflops"] <= 0.5
    assert manifest["onnx_torch_difference"] <= 1e-3
    assert "not** a human" in (folder / "MODEL_CARD.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_recipe_runs_from_photos_to_students(natural_faces: Path, tmp_path: Path) -> None:
    """`--budget smoke` labels, trains teachers and students, compares and exports, on invented pictures."""
    out = tmp_path / "out"
    done = run_recipe("--budget", "smoke", "--faces", natural_faces, "--cache", tmp_path, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("facegauge-small", "edgenext"):
        check_student(out, name)
    page = (out / "students.md").read_text()
    for name in ("mobilenetv3-small", "mobilenetv4-small", "edgenext", "efficientnet-lite0"):
        row = next(line for line in page.splitlines() if f"recipe-smoke-{name} " in line)
        assert "teacher-2@" in row
    assert (out / "students.png").stat().st_size > 5000


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(1500)
def test_the_recipe_runs_on_the_research_photos(shared_faces: Path, tmp_path: Path) -> None:
    """The same on real faces."""
    done = run_recipe(
        "--budget", "smoke", "--faces", shared_faces, "--cache", tmp_path, "--out", tmp_path / "o"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    check_student(tmp_path / "o", "facegauge-small")


@pytest.mark.parametrize("options", [(), ("--budget",), ("--budget", "huge"), ("--quick",)])
def test_bad_options_are_told(options: tuple[str, ...]) -> None:
    """No, half or unknown options end with a sentence and exit code 2."""
    done = run_recipe(*options)
    assert done.returncode == 2
    assert done.stderr.startswith("recipe.sh: ")


def test_photos_that_are_not_there_are_told(tmp_path: Path) -> None:
    """A wrong folder of faces ends the recipe at its first step, with the way out."""
    done = run_recipe("--budget", "smoke", "--faces", tmp_path / "none", "--cache", tmp_path)
    assert done.returncode == 1
    assert "--faces" in done.stderr
