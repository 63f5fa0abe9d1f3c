"""Answers as lines of JSON, to standard output or a file: `--answers`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import IO

from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.log import Log

__all__ = ["AnswerLines"]


class AnswerLines:
    """Writes every answer of a hub, each line whole and at once.

    Writing happens in a thread: a slow disk or reader of the pipe costs answers (the oldest, counted by the
    hub) and never a frame.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, `-` for standard output; raises BadConfiguration."""
        self._log = Log(answers=str(path))
        self._file: IO[bytes]
        try:
            self._file = (
                os.fdopen(os.dup(sys.stdout.fileno()), "wb", 0) if str(path) == "-" else path.open("ab", 0)
            )
        except OSError as error:
            raise BadConfiguration(f"--answers: cannot write {path}: {error.strerror}") from error

    async def write(self, hub: AnswerHub) -> None:
        """Write until the hub closes, or until nobody reads any more."""
        try:
            async with hub.subscribe() as answers:
                async for answer in answers:
                    await asyncio.to_thread(self._write_line, answer.line.encode() + b"\n")
        except OSError as error:
            self._log.warning("answers are no longer written", reason=error.strerror)
        finally:
            with contextlib.suppress(OSError):
                self._file.close()

    def _write_line(self, line: bytes) -> None:
        written = 0
        while written < len(line):
            written += self._file.write(line[written:]) or 0
