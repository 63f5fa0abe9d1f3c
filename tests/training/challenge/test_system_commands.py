"""`facegauge-train systems` on stores of labelled crops, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from facegauge_training.challenge import measured_systems
from facegauge_training.challenge.protocol import LEAST_RATE, shortened
from facegauge_training.challenge.team_recipes import RECIPES
from facegauge_training.challenge.weights import load_network, save_network
from facegauge_training.cli import main
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.ladder import LADDER, ladder_store
from facegauge_training.data.store import write_source
from facegauge_training.fitting.checkpoint import new_network

SIDES = (96, 72)
"""Crops that a network is through with in a moment; stores hold what they hold."""


def write_store(folder: Path, keys: tuple[str, ...], takes: int = 4) -> None:
    """Fill a store with noise whose strength is its label."""
    folder.mkdir(parents=True)
    for key in keys:
        rng = np.random.default_rng(int(key, 16))
        strengths = rng.uniform(0.1, 1.0, takes)
        crops = [(128 + 120 * s * rng.uniform(-1, 1, (*SIDES, 3))).astype(np.uint8) for s in strengths]
        rows = [
            {**Chain().describe(), "frame": 1, "face_height": 200.0, "vmaf": float(s), "gmsd": 0.05}
            for s in strengths
        ]
        write_source(folder, key, "invented", crops, rows)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels of eight photos, of which one is held out from everything, and a teacher of ours."""
    folder = tmp_path_factory.mktemp("cache")
    write_store(folder / "train-1-round-1", ("0000aa", *(f"{n}111bb" for n in range(1, 8))))
    torch.set_num_threads(1)
    teacher = new_network("mobilenetv3_small_050", "random", 1)
    metadata = {"backbone": "mobilenetv3_small_050", "samples": 1, "width": 72}
    (folder / "runs" / "teacher-0").mkdir(parents=True)
    torch.save({"weights": teacher.state_dict(), **metadata}, folder / "runs" / "teacher-0" / "teacher.pt")
    return folder


def systems(cache: Path, *more: str) -> Result:
    options = ["--train-samples", "64", "--batch", "16", "--threads", "1"]
    return CliRunner().invoke(main, ["systems", "--cache", str(cache), *options, *more])


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_a_system_learns_from_stores_and_their_teacher(cache: Path) -> None:
    """It leaves weights that load, half as large, and how it agrees with photos that it never saw."""
    done = systems(cache, "--systems", "2077agent", "--teacher", "teacher-0")
    assert done.exit_code == 0, done.output
    folder = cache / "runs" / "table1" / "2077agent"
    result = json.loads((folder / "result.json").read_text())
    assert result["samples"] == 64
    assert result["steps"] == [4]
    assert result["teacher"].startswith("teacher-0@")
    assert result["pictures"] == 4  # those of the photo that is held out
    assert result["groups"] == 1
    assert (folder / "model.pt").stat().st_size < 3e6  # 1.3 million parameters
    assert load_network(folder / "model.pt")[0] == "2077agent"
    assert "done already" in systems(cache, "--systems", "2077agent", "--teacher", "teacher-0").output


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_the_page_has_what_was_trained(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agreement on the ladder with its interval, measured costs, and a mark where nothing was trained."""
    monkeypatch.setattr(measured_systems, "TURNS", 1)  # how often a network is compiled and timed
    assert systems(cache, "--systems", "2077agent", "--run", "page").exit_code == 0
    ladder = ladder_store(cache)
    ladder.mkdir()
    for key in ("01", "02"):
        rng = np.random.default_rng(int(key))
        steps = [chain for chains in LADDER.values() for chain in chains]
        crops = [rng.integers(0, 256, (*SIDES, 3)).astype(np.uint8) for _ in steps]
        rows = [{**s.describe(), "frame": 1, "vmaf": float(rng.random()), "gmsd": 0.05} for s in steps]
        write_source(ladder, key, "invented", crops, rows)
    out = tmp_path / "table1.md"
    options = ["--cache", str(cache), "--run", "page", "--out", str(out), "--threads", "1"]
    done = CliRunner().invoke(main, ["table1", *options])
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    assert text.count("**not trained**") == 13
    row = next(line for line in text.splitlines() if line.startswith("| 12 | 2077agent | 0.8432 | random |"))
    assert "| 0.2852 | 1.3005 |" in row
    assert "none (its recipe has one)" in row
    assert "44 crops of 2 faces" in text
    assert "![Score against milliseconds](table1.png)" in text
    assert cv2.imread(str(tmp_path / "table1.png")) is not None
    ours = [line for line in text.splitlines() if line.startswith("| ours |")]
    names = [line.split("|")[2].strip() for line in ours]
    assert names == ["edgenext", "facegauge-accurate", "facegauge-small"]
    figures = json.loads((tmp_path / "table1.json").read_text(encoding="utf-8"))
    assert set(figures) == {"2077agent", *names}
    assert f"| {figures['2077agent']['score']:.4f} (" in row
    columns = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert columns == {17}
    again = CliRunner().invoke(main, ["table1", *options]).output  # measured before: read
    assert again.splitlines()[0].startswith(str(out))
    weights = cache / "runs" / "page" / "2077agent" / "model.pt"
    name, network = load_network(weights)
    torch.nn.init.normal_(next(network.parameters()))
    save_network(name, network, {}, weights)
    anew = CliRunner().invoke(main, ["table1", *options]).output  # trained anew: measured again
    assert anew.startswith("2077agent: Score ")


def test_a_run_that_was_begun_with_other_settings_is_refused(cache: Path) -> None:
    """A row is one training; the others go on, and the exit code says that one failed."""
    folder = cache / "runs" / "other" / "2077agent"
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(b"half")
    done = systems(cache, "--systems", "2077agent", "--run", "other")
    assert done.exit_code == 1
    assert "2077agent: " in done.output
    assert "delete it to start anew" in done.output


def test_shortened_recipes_keep_their_shape() -> None:
    """Stages, their ratios of rates and what a team did besides are the team's; nothing stands still."""
    for name, recipe in RECIPES.items():
        short = shortened(recipe)
        assert len(short.stages) == len(recipe.stages)
        assert short.loss == recipe.loss
        first, own = short.stages[0], recipe.stages[0]
        assert first.rate >= LEAST_RATE
        for stage, before in zip(short.stages, recipe.stages, strict=True):
            assert stage.rate / first.rate == pytest.approx(before.rate / own.rate)
            shares = [stage.schedule.at(epoch, stage.epochs) for epoch in range(stage.epochs)]
            assert shares[0] < shares[stage.epochs // 4] >= 0.5, name
            assert np.mean(np.array(shares) >= 0.1) >= 0.7, name


def test_training_from_stores_needs_neither_codecs_nor_engines() -> None:
    """A machine that has torch and no more trains: what else the project needs is imported where it is."""
    code = """
import importlib.abc, sys
BLOCKED = ("av", "grpc", "imageio_ffmpeg", "matplotlib", "mediapipe", "openvino", "structlog")
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
import facegauge_training.commands.system_commands
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
