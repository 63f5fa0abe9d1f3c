"""Keep a training on disk so that a kill at any moment loses only the steps since the last checkpoint.

    RUN/run.lock         held by the process that trains
    RUN/checkpoint.pt    settings, step, states of all that learns, random states; replaced as a whole
    RUN/log.jsonl        a row every few steps, cut back to its length at the checkpoint when a run resumes

Every training has these three, whatever it trains.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch

from facegauge_training.common.atomic import atomic_file
from facegauge_training.common.errors import RecipeError

__all__ = [
    "load_checkpoint",
    "lock_run",
    "logged_seconds",
    "open_log",
    "random_state",
    "read_log",
    "restore_random_state",
    "save_atomically",
    "write_row",
]


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Let one process alone train in a folder, which is made if it is missing; a kill frees it.

    Raises:
        RecipeError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RecipeError(
                f"Another process is training in {folder}: wait for it or stop it, or give another --run."
            ) from error
        yield


def save_atomically(state: Mapping[str, Any], path: Path) -> None:
    """Write a torch file whole or not at all.

    Raises:
        RecipeError: the disk does not take it.
    """
    with atomic_file(path) as file:
        torch.save(dict(state), file)


def load_checkpoint(path: Path, identity: Mapping[str, Any], device: torch.device) -> dict[str, Any] | None:
    """Return the state from which to resume, None if there is none.

    Args:
        path: of the checkpoint.
        identity: settings that a resumed run must share, by the names that the person knows them by.
        device: where its tensors go.

    Raises:
        RecipeError: the file is broken, or belongs to a training with other settings.
    """
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{path} is no readable checkpoint ({error}): delete it to start anew.") from error
    if "identity" not in state:
        raise RecipeError(
            f"{path} does not say with which settings it was made (an earlier version wrote it): give "
            "another --run, or delete it to start anew."
        )
    theirs = state["identity"]
    names = [*identity, *(name for name in theirs if name not in identity)]
    other = [
        f"{name} {theirs.get(name)!r}, not {identity.get(name)!r}"
        for name in names
        if theirs.get(name) != identity.get(name)
    ]
    if other:
        raise RecipeError(
            f"{path.parent} holds a training with {'; '.join(other)}. Give the same settings to resume it, "
            "or another --run."
        )
    return state


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Return torch's random states: the CPU's, and the GPU's where it trains."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Put torch's random states back; a GPU keeps its own where the checkpoint was made on a CPU."""
    torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)


def open_log(path: Path, length: int) -> BinaryIO:
    """Open the log for more rows after its first `length` bytes; what follows them is cut off."""
    path.touch()
    log = path.open("r+b")
    log.truncate(length)
    log.seek(0, os.SEEK_END)
    return log


def write_row(log: BinaryIO, row: Mapping[str, Any]) -> None:
    """Add a row and hand it to the system."""
    log.write(json.dumps(row).encode() + b"\n")
    log.flush()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def logged_seconds(path: Path) -> float:
    """Return how long the logged steps of a training took, over all its resumed parts."""
    seconds, before = 0.0, 0
    for row in read_log(path):
        seconds += row["s_per_step"] * (row["step"] - before)
        before = row["step"]
    return seconds
