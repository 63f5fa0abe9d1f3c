"""Keep a training on disk so that a kill at any moment loses nothing but the steps since the last save.

A checkpoint is written beside the old one, forced to disk and renamed over it: there is always a whole one.
The log is cut back to its length at that moment, so that a resumed run writes every line once.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import torch

from facegauge_training.common.errors import RecipeError

__all__ = ["load_checkpoint", "open_log", "read_log", "save_atomically", "write_row"]


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Write a torch file whole or not at all.

    Raises:
        RecipeError: the disk does not take it.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError when a disk is full
        raise RecipeError(
            f"{path} cannot be written ({error}): make room, then start the same command again."
        ) from error


def load_checkpoint(path: Path, identity: dict[str, Any], device: torch.device) -> dict[str, Any] | None:
    """Return the state to go on from, None if there is none.

    Raises:
        RecipeError: the file is broken, or belongs to a training with other settings.
    """
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        theirs = state["identity"]
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{path} is no readable checkpoint ({error}): delete it to start anew.") from error
    other = [f"{k} {theirs.get(k)!r}, not {v!r}" for k, v in identity.items() if theirs.get(k) != v]
    if other:
        raise RecipeError(
            f"{path.parent} holds a training with {'; '.join(other)}. Give the same settings to go on, or "
            "another --run."
        )
    return state


def open_log(path: Path, length: int) -> BinaryIO:
    """Open the log for more rows after its first `length` bytes; what follows them is cut off.

    Raises:
        RecipeError: another process has it open, and so trains in this folder.
    """
    path.touch()
    log = path.open("r+b")
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        log.close()
        raise RecipeError(
            f"Another process is training in {path.parent}: wait for it or stop it, or give another --run."
        ) from error
    log.truncate(length)
    log.seek(0, os.SEEK_END)
    return log


def write_row(log: BinaryIO, row: dict[str, Any]) -> None:
    """Add a row and hand it to the system."""
    log.write(json.dumps(row).encode() + b"\n")
    log.flush()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
