"""Write files whole or not at all: beside the old one, forced to disk, then renamed over it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from facegauge_training.common.errors import RecipeError

__all__ = ["atomic_file", "write_json", "write_text"]


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` when the block ends, and leaves it as it was when the block fails.

    The unfinished file is PATH.part, so that it matches no pattern by which finished files are found.

    Raises:
        RecipeError: the disk does not take it.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError when a disk is full
        unfinished.unlink(missing_ok=True)
        raise RecipeError(
            f"{path} cannot be written ({error}): make room, then start the same command again."
        ) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8, whole or not at all.

    Raises:
        RecipeError: the disk does not take it.
    """
    with atomic_file(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any, indent: int | None = 1) -> None:
    """Write a value as JSON, whole or not at all.

    Raises:
        RecipeError: the disk does not take it.
    """
    write_text(path, json.dumps(value, indent=indent) + "\n")
