"""`python -m facegauge_training.train` as a person meets it: a real network, a real kill, and wrong requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from facegauge_training.train import main
from facegauge_training.zoo.checkpoint import read_log

SHORT = ("--steps", "6", "--batch", "4", "--threads", "1", "--save-every", "0")
LEFT_BEHIND = {"checkpoint.pt", "log.jsonl", "curves.png", "model.pt", "model.onnx", "result.json"}


def _arguments(scored: Path, system: str, run: Path, *more: str) -> list[str]:
    places = ("--images", str(scored / "images"), "--labels", str(scored / "labels.csv"), "--run", str(run))
    return ["--system", system, *places, *more]


def _ask(scored: Path, system: str, run: Path, *more: str) -> Result:
    return CliRunner().invoke(main, _arguments(scored, system, run, *more))


def _kill_after(rows: int, arguments: list[str], log: Path) -> None:
    command = [sys.executable, "-m", "facegauge_training.train", *arguments]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 90
        while not log.is_file() or log.read_bytes().count(b"\n") < rows:
            assert program.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until, "it does not begin"
            time.sleep(0.01)
    finally:
        os.kill(program.pid, signal.SIGKILL)
        program.wait()


@pytest.mark.slow
def test_a_killed_program_ends_where_an_unbroken_one_does(scored: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle, the same command again: the same weights, log and figures, to the last bit."""
    result = _ask(scored, "2077agent", tmp_path / "unbroken", *SHORT, "--without-teacher")
    assert result.exit_code == 0, result.output
    killed = _arguments(scored, "2077agent", tmp_path / "killed", *SHORT, "--without-teacher")
    _kill_after(2, killed, tmp_path / "killed/log.jsonl")
    assert not (tmp_path / "killed/model.pt").exists()
    resumed = CliRunner().invoke(main, killed)
    assert resumed.exit_code == 0, resumed.output
    assert "going on at step" in resumed.output

    one, other = (
        torch.load(tmp_path / run / "model.pt", weights_only=True) for run in ("unbroken", "killed")
    )
    assert all(torch.equal(one["weights"][name], other["weights"][name]) for name in one["weights"])
    logs = [read_log(tmp_path / run / "log.jsonl") for run in ("unbroken", "killed")]
    assert logs[0] == logs[1]
    assert [row["step"] for row in logs[0]] == [1, 2, 3, 4, 5, 6]
    files = {path.name for path in (tmp_path / "killed").iterdir()}
    assert files == LEFT_BEHIND
    told = json.loads((tmp_path / "killed/result.json").read_text(encoding="utf-8"))
    assert told["onnx_torch_difference"] <= 1e-4
    assert told["teacher"] == "none"


def test_an_unknown_system_lists_those_there_are(scored: Path, tmp_path: Path) -> None:
    result = _ask(scored, "ecnu", tmp_path / "run")
    assert result.exit_code == 1
    assert "ecnu-sjtu" in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("system", "more", "told"),
    [
        ("next", (), "--system clip-vit-b32"),
        ("2077agent", (), "--without-teacher"),
        ("baseline", ("--teacher", "model.pt"), "has no teacher: leave --teacher out"),
        ("2077agent", ("--teacher", "none.pt"), "There is no none.pt"),
        ("ecnu-sjtu", ("--unlabelled", "."), "needs their --teacher"),
    ],
)
def test_a_teacher_that_does_not_fit_is_told(
    scored: Path, tmp_path: Path, system: str, more: tuple[str, ...], told: str
) -> None:
    """Who distils needs a teacher or says that there is none; who does not must not have one."""
    result = _ask(scored, system, tmp_path / "run", *more)
    assert result.exit_code == 1
    assert told in " ".join(result.output.split())


@pytest.mark.parametrize("more", [("--steps", "4", "--budget", "0.5"), ("--budget", "0"), ("--batch", "1")])
def test_wrong_options_are_usage_errors(scored: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    assert _ask(scored, "baseline", tmp_path / "run", *more).exit_code == 2


def test_a_bad_line_stops_before_the_first_step(scored: Path, tmp_path: Path) -> None:
    """The person reads which line to correct, and no checkpoint is begun."""
    table = tmp_path / "labels.csv"
    table.write_text("image,score\n0.png,0.5\n1.png,2\n", encoding="utf-8")
    places = ["--images", str(scored / "images"), "--labels", str(table), "--run", str(tmp_path / "run")]
    result = CliRunner().invoke(main, ["--system", "baseline", *places])
    assert result.exit_code == 1
    assert "line 3: the score 2 is not within 0 and 1" in result.output
    assert not (tmp_path / "run/checkpoint.pt").exists()
