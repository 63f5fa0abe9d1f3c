"""What a training keeps on disk: a log that is cut back, and a lock that one process at a time holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import lock_run, logged_seconds, open_log, read_log, write_row


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


def test_a_resumed_training_took_what_all_its_parts_took(tmp_path: Path) -> None:
    """A row's seconds are those of the steps since the row before, whoever wrote that."""
    path = tmp_path / "log.jsonl"
    with open_log(path, 0) as log:
        write_row(log, {"step": 2, "s_per_step": 3.0})
        saved = log.tell()
        write_row(log, {"step": 4, "s_per_step": 100.0})
    with open_log(path, saved) as log:
        write_row(log, {"step": 4, "s_per_step": 0.5})
    assert logged_seconds(path) == 7


def test_two_processes_cannot_train_one_run(tmp_path: Path) -> None:
    """The second is refused; a kill of the first frees the run."""
    script = (
        "import fcntl, sys, time; file = open(sys.argv[1], 'ab'); fcntl.flock(file, fcntl.LOCK_EX); "
        "print('locked', flush=True); time.sleep(3600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "run.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(RecipeError, match="Another process"), lock_run(tmp_path):
            pass
        other.kill()
    with lock_run(tmp_path):
        pass
