"""The winner's way on a handful of pictures: what each stage sees, and what a kill costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from facegauge_training.cli import main


@pytest.fixture
def arguments(scored: Path, tmp_path: Path) -> list[str]:
    rounds = [tmp_path / "first", tmp_path / "second"]
    for n, folder in enumerate(rounds):
        folder.mkdir()
        for i in range(3 + n):
            (folder / f"{i}.png").write_bytes((scored / "images" / f"{i}.png").read_bytes())
    return [
        "winner", "--images", str(scored / "images"), "--labels", str(scored / "labels.csv"),
        *(part for folder in rounds for part in ("--unlabelled", str(folder))),
        "--teacher-backbone", "efficientnet-lite0", "--random-teacher",
        "--cache", str(tmp_path), "--threads", "1",
        "--teacher-steps", "2", "--student-steps", "2", "--least-rate", "0.0005",
    ]  # fmt: skip


def call(arguments: list[str]) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_stage_learns_from_those_before(arguments: list[str], tmp_path: Path) -> None:
    """Labels; labels and the first round; labels and both. A stage that is done is not repeated."""
    done = call(arguments)
    assert done.exit_code == 0, done.output
    run = tmp_path / "runs" / "winner"
    results = {
        name: json.loads((run / name / "result.json").read_text())
        for name in ("teacher-0", "teacher-1", "student")
    }
    seen = [row["train_pictures"] for row in results.values()]
    assert np.diff(seen).tolist() == [3, 4]
    assert [row["system"] for row in results.values()] == ["efficientnet-lite0"] * 2 + ["ecnu-sjtu"]
    assert {row["schedule"] for row in results.values()} == {"its own shape, shortened, from 0.0005"}
    report = (run / "report.md").read_text()
    assert [line.split("|")[1].strip() for line in report.splitlines() if line.startswith("| ")][1:] == [
        "teacher-0", "teacher-1", "student",
    ]  # fmt: skip
    (run / "student" / "result.json").unlink()  # as if it had been killed in its last moment
    again = call(arguments)
    assert again.exit_code == 0, again.output
    assert again.output.count("is done already") == 2
    assert json.loads((run / "student" / "result.json").read_text())["score"] == results["student"]["score"]


def test_two_rounds_are_asked_for(arguments: list[str]) -> None:
    """One folder is no two rounds, and a teacher that does not exist is told."""
    at = arguments.index("--unlabelled")
    assert "give two folders" in call(arguments[:at] + arguments[at + 2 :]).output
    arguments[arguments.index("efficientnet-lite0")] = "resnet"
    assert "swin-b" in call(arguments).output
