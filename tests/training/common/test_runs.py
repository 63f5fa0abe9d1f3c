"""A run's name, or a path: one meaning in every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.runs import FINISHED, find_network, run_folder


@pytest.mark.parametrize("name", FINISHED)
def test_a_network_is_found_by_name_and_by_path(tmp_path: Path, name: str) -> None:
    """Whatever kind of training left it; a folder stands for its network."""
    file = tmp_path / "runs" / "a" / name
    file.parent.mkdir(parents=True)
    file.touch()
    for given in ("a", str(file), str(file.parent)):
        assert find_network(tmp_path, given) == file


def test_a_network_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the option, and with whether the run has begun."""
    (tmp_path / "runs" / "begun").mkdir(parents=True)
    (tmp_path / "runs" / "begun" / "checkpoint.pt").touch()
    with pytest.raises(RecipeError, match=r"--teacher none: .*is not there"):
        find_network(tmp_path, "none", "--teacher")
    with pytest.raises(RecipeError, match=r"--start-from begun: .*has not finished"):
        find_network(tmp_path, "begun")


@pytest.mark.parametrize("run", ["", "/a", "../a", "a/../../b", "~/a"])
def test_a_run_is_a_name_below_the_cache(tmp_path: Path, run: str) -> None:
    """Nothing else is written to."""
    with pytest.raises(RecipeError, match="--run is a name"):
        run_folder(tmp_path, run)
    assert run_folder(tmp_path, "table1/next") == tmp_path / "runs" / "table1" / "next"
