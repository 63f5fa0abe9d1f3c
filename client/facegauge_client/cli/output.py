"""Destinations of text, JSON lines and files."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console

from facegauge_client.sdk.types import Assessment, Event, EventsMissed

__all__ = ["json_lines", "new_file", "open_console", "write_stdout_line"]

FILE_WIDTH = 140


def open_console(*, stderr: bool = False) -> Console:
    """Open standard output or standard error: as wide as the terminal, wide where there is none."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = FILE_WIDTH
    return console


@contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[Assessment], None]]:
    """Give a function that writes an assessment as a line: to a file, standard output (`-`), or nowhere.

    Raises UsageError where the file cannot be opened. The function raises ClickException where a line cannot
    be written; the lines before it stay.
    """
    if path is None:
        yield lambda _: None
        return
    if str(path) == "-":
        yield write_stdout_line
        return
    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}; choose another --json") from error
    with file:
        yield functools.partial(_write_line, file, path)


@contextmanager
def new_file(path: Path, flag: str) -> Iterator[Callable[[str], None]]:
    """Give a function that writes a file whole, once; that it can be written is tried at once.

    A regular file is replaced, through symbolic links too; anything else is left alone. Raises UsageError
    where the file cannot be written, and ClickException where that turns out at the end.
    """
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            raise click.UsageError(f"cannot write {path}: not a regular file; choose another {flag}")
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
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


def _write_line(file: io.FileIO, path: Path, assessment: Assessment) -> None:
    """Write a line at once, or nothing of it."""
    line = (assessment.to_json() + "\n").encode()
    written = 0
    try:
        while written < len(line):
            written += file.write(line[written:]) or 0
    except OSError as error:
        with suppress(OSError):  # what is no regular file cannot be cut
            file.truncate(file.tell() - written)
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def write_stdout_line(record: Assessment | Event | EventsMissed) -> None:
    """Write a record as a line of JSON at once; raises ClickException where that cannot be."""
    try:
        sys.stdout.write(record.to_json() + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Python writes what it still holds once more as it ends: that must not fail again.
        with suppress(OSError, io.UnsupportedOperation):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.ClickException(f"cannot write standard output: {error.strerror}") from error
