"""Where text and JSON lines go."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from facegauge_client.sdk.types import Assessment

__all__ = ["json_lines", "new_file", "open_console"]

FILE_WIDTH = 140


def open_console(*, stderr: bool = False) -> Console:
    """Open standard output or standard error: as wide as the terminal, wide where there is none."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = FILE_WIDTH
    return console


@contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[Assessment], None]]:
    """Give a function that writes an assessment as a line: to a file, standard output (`-`), or nowhere."""
    if path is None:
        yield lambda _: None
        return
    if str(path) == "-":
        yield _to_stdout
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}; choose another --json") from error
    with file:

        def write(assessment: Assessment) -> None:
            file.write(assessment.to_json() + "\n")

        yield write


@contextmanager
def new_file(path: Path, flag: str) -> Iterator[Callable[[str], None]]:
    """Give a function that writes a file whole, once; that it can be written is tried at once.

    Raises UsageError where it cannot be, and ClickException where that turns out at the end.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.touch(exist_ok=False)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}; choose another {flag}") from error

    def write(text: str) -> None:
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}") from error

    try:
        yield write
    finally:
        unfinished.unlink(missing_ok=True)


def _to_stdout(assessment: Assessment) -> None:
    sys.stdout.write(assessment.to_json() + "\n")
    sys.stdout.flush()
