"""Where runs are: a name stands for the folder CACHE/runs/NAME, or for the network that it left there."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from facegauge_training.common.errors import RecipeError

__all__ = ["FINISHED", "find_network", "run_folder"]

FINISHED = ("student.pt", "teacher.pt", "model.pt", "backbone.pt")
"""Files that a finished training leaves: a student, a teacher, a system, a backbone."""


def run_folder(cache: Path, run: str) -> Path:
    """Return the folder of a run, `runs/RUN` below the cache.

    Raises:
        RecipeError: the name leads out of that folder.
    """
    name = PurePosixPath(run)
    if not run or name.is_absolute() or ".." in name.parts or run.startswith("~"):
        raise RecipeError(f"--run is a name below {cache / 'runs'}, not a path ({run!r}): give a plain name.")
    return cache / "runs" / name


def find_network(cache: Path, given: str, option: str = "--start-from") -> Path:
    """Return the file of a finished network, given as a run's name or as a path to the file.

    Args:
        cache: with the runs.
        given: what the person gave.
        option: by which, for the message.

    Raises:
        RecipeError: neither such a file nor such a finished run is there.
    """
    path = Path(given).expanduser()
    if path.is_file():
        return path
    folder = path if path.is_dir() else cache / "runs" / given
    for name in FINISHED:
        if (folder / name).is_file():
            return folder / name
    state = "has not finished" if (folder / "checkpoint.pt").is_file() else "is not there"
    raise RecipeError(
        f"{option} {given}: {folder} {state}, and there is no such file. Give the name of a finished run or "
        "a path to its file, or train it first: `facegauge-train teacher --run NAME`, or `student`, or "
        "`challenge`."
    )
