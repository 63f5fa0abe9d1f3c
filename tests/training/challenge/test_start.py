"""From options to a training: what is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facegauge_training.challenge.start import ChallengeOptions, run_training
from facegauge_training.challenge.weights import load_network
from facegauge_training.common.errors import RecipeError


@pytest.fixture
def options(scored: Path, tmp_path: Path) -> ChallengeOptions:
    folder = tmp_path / "run"
    return ChallengeOptions("ders", scored / "images", scored / "labels.csv", folder, steps=2, batch=2)


def refused(options: ChallengeOptions) -> str:
    with pytest.raises(RecipeError) as error:
        run_training(options, lambda _: None)
    return error.value.message


def test_teachers_and_recipes_must_fit(options: ChallengeOptions, tmp_path: Path) -> None:
    """A recipe without a teacher takes none; one with a teacher needs it, or is told to do without."""
    assert "leave --teacher out" in refused(replace(options, teacher=tmp_path / "t.pt"))
    assert "--without-teacher" in refused(replace(options, system="next"))
    assert "--unlabelled" in refused(replace(options, system="ecnu-sjtu", teacher=tmp_path / "t.pt"))
    assert "pseudo-labels" in refused(replace(options, system="next", unlabelled=tmp_path))


def test_enough_rows_must_be_left(options: ChallengeOptions, scored: Path, tmp_path: Path) -> None:
    """Two groups leave too few for validation."""
    lines = (scored / "labels.csv").read_text().splitlines()
    few = tmp_path / "few.csv"
    few.write_text("\n".join([lines[0], *(f"{n}.png,0.{n + 1},group {n // 8}" for n in range(9))]))
    assert "for validation: add rows" in refused(replace(options, labels=few))


@pytest.mark.timeout(300)
def test_what_is_trained_is_said_and_kept(options: ChallengeOptions) -> None:
    """The result names system, start, schedule and steps; a resumed run must share all of them."""
    options = replace(options, system="conquerit", least_rate=0.002)
    lines: list[str] = []
    result = run_training(options, lines.append)
    assert (result["system"], result["initialisation"], result["schedule"]) == (
        "conquerit",
        "random",
        "its own shape, shortened, from 0.002",
    )
    assert result["steps"] == [2]
    assert any("not stated there" in line for line in lines)
    assert "shortened, from 0.002', not 'its own'" in refused(replace(options, least_rate=None))


@pytest.fixture
def other(tmp_path: Path) -> tuple[Path, Path]:
    """Another data set of twelve pictures, whose files and groups have the names of the first one's."""
    folder = tmp_path / "other"
    folder.mkdir()
    rng = np.random.default_rng(9)
    lines = ["image,score,group"]
    for n in range(12):
        cv2.imwrite(str(folder / f"{n}.png"), rng.integers(0, 20 + 19 * n, (96, 72, 3), np.uint8))
        lines.append(f"{n}.png,{n / 12:.3f},face {n // 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder, folder / "labels.csv"


@pytest.mark.timeout(300)
def test_another_data_set_is_trained_on(options: ChallengeOptions, other: tuple[Path, Path]) -> None:
    """RegNet joins it and holds 30% out of both; other scores make other weights; the result names it."""
    regnet = replace(options, system="regnet", steps=2, batch=4)
    said: list[str] = []
    result = run_training(replace(regnet, extra=other), said.append)
    assert 0 < result["extra_pictures"] < 12
    assert (
        f"2 steps of 4 for 50 epochs of {result['train_pictures'] + result['extra_pictures']} pictures"
        in (" ".join(said))
    )
    assert "extra_pictures" in refused(regnet)  # the folder holds a training on both

    changed = other[0] / "changed.csv"
    lines = other[1].read_text(encoding="utf-8").splitlines()
    changed.write_text("\n".join(line.replace(",0.", ",0.9") for line in lines), encoding="utf-8")
    aside = replace(regnet, folder=options.folder.with_name("aside"), extra=(other[0], changed))
    run_training(aside, lambda _: None)
    weights = [load_network(run.folder / "model.pt")[1].state_dict() for run in (regnet, aside)]
    assert any(not torch.equal(one, weights[1][name]) for name, one in weights[0].items())


@pytest.mark.timeout(300)
def test_a_stage_on_own_rows_has_no_others(options: ChallengeOptions, other: tuple[Path, Path]) -> None:
    """ATHENAFace merges the two in its first stage alone."""
    said: list[str] = []
    asked = replace(options, system="athenaface", steps=4, batch=4, extra=other)
    result = run_training(asked, said.append)
    own = result["train_pictures"]
    stages = [line for line in said if " epochs of " in line]
    assert stages[0].endswith(f"epochs of {own + 12} pictures")
    assert stages[1].endswith(f"epochs of {own} pictures")


def test_another_data_set_must_be_the_recipes(
    options: ChallengeOptions, other: tuple[Path, Path], tmp_path: Path
) -> None:
    """A team that had none gets none, and a line that is wrong is told as in one's own table."""
    assert "leave --extra-images out" in refused(replace(options, extra=other))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("image,score\nnone.png,0.5\n", encoding="utf-8")
    assert "line 2: there is no" in refused(replace(options, system="regnet", extra=(other[0], wrong)))
