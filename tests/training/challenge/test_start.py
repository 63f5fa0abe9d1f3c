"""From options to a training: what is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from facegauge_training.challenge.recipe import RateSchedule
from facegauge_training.challenge.start import ChallengeOptions, run_training
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
    options = replace(options, system="conquerit", schedule=RateSchedule("cosine"))
    lines: list[str] = []
    result = run_training(options, lines.append)
    assert (result["system"], result["initialisation"], result["schedule"]) == (
        "conquerit",
        "random",
        "cosine",
    )
    assert result["steps"] == [2]
    assert any("not stated there" in line for line in lines)
    assert "schedule 'cosine', not 'its own'" in refused(replace(options, schedule=None))
