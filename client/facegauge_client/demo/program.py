"""Facegauge's own programs as processes of the demo: found, started, and ended with it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["Program", "running_program"]

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0


class Program:
    """A process that serves."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        """What it has said in its ready line."""
        self._process = process
        self._log = log

    async def wait_until_ready(self) -> None:
        """Read the ready line; raises FacegaugeError with the program's last words where none comes."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT_S):
                line = await self._process.stdout.readline()
        try:
            self.ready = dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise FacegaugeError(f"{self.name} did not start: {self._last_words()}") from error

    async def ended(self) -> None:
        """Wait until it ends, which it must not: raises FacegaugeError with its last words."""
        await self._process.wait()
        raise FacegaugeError(f"{self.name} ended, and the demo with it: {self._last_words()}")

    async def stop(self) -> None:
        """Ask it to end, and end it where it does not."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _last_words(self) -> str:
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else "it said nothing"


@asynccontextmanager
async def running_program(name: str, arguments: Sequence[str], way_out: str) -> AsyncIterator[Program]:
    """Run one of Facegauge's programs while the block runs.

    Args:
        name: of the command, beside this Python or on the PATH.
        arguments: that it is given.
        way_out: what to do where it is not installed, as a sentence.

    Raises:
        FacegaugeError: it is not installed, or does not start.
    """
    path = _find(name, way_out)
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours: programs are stopped in order, after the stream
        )
        program = Program(name, process, log)
        try:
            await program.wait_until_ready()
            yield program
        finally:
            await program.stop()


def _find(name: str, way_out: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise FacegaugeError(way_out)
    return found
