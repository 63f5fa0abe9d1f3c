"""What a training keeps on disk: a log that is cut back, and that one process at a time writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import open_log, read_log, write_row


def test_a_resumed_log_has_every_row_once(tmp_path: Path) -> None:
    """What was written after the checkpoint is cut off, and written again."""
    path = tmp_path / "log.jsonl"
    with open_log(path, 0) as log:
        write_row(log, {"step": 1})
        saved = log.tell()
        write_row(log, {"step": 2})
    with open_log(path, saved) as log:
        write_row(log, {"step": 2, "again": True})
    assert read_log(path) == [{"step": 1}, {"step": 2, "again": True}]


def test_two_processes_cannot_train_one_run(tmp_path: Path) -> None:
    """The second is told so, and the first one's rows stay."""
    path = tmp_path / "log.jsonl"
    with open_log(path, 0) as log:
        write_row(log, {"step": 1})
        with pytest.raises(RecipeError, match="Another process"):
            open_log(path, 0)
        write_row(log, {"step": 2})
    assert read_log(path) == [{"step": 1}, {"step": 2}]
    open_log(path, 0).close()
