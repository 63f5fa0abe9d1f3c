"""Files are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from facegauge_training.common.atomic import atomic_file, write_json, write_text
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "figures.json"
    write_json(path, {"step": 1})

    def fail() -> None:
        raise KeyError("in the middle")

    with pytest.raises(KeyError), atomic_file(path) as file:
        file.write(b"half")
        fail()
    assert json.loads(path.read_text()) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["figures.json"]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """Whoever opens the file meanwhile reads what was there."""
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_disk_that_takes_nothing_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """One sentence, for text and for torch's files alike."""
    with pytest.raises(RecipeError, match="make room"):
        write_text(tmp_path / "none" / "a.txt", "text")
    path = tmp_path / "checkpoint.pt"
    save_atomically({"step": 1}, path)
    with pytest.raises(Exception, match="pickle"):
        save_atomically({"step": lambda: 2}, path)
    assert torch.load(path) == {"step": 1}
