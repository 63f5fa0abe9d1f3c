"""The programs of a call, as processes that end with the block that started them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["ProgramMissing", "ask_to_end", "find_program", "free_port", "running"]

STOP_LIMIT_S = 20.0


class ProgramMissing(Exception):
    """A Debian program that a call needs is not installed."""


def find_program(name: str) -> Path:
    """Return the path of a Debian program; ProgramMissing says how to get it."""
    path = shutil.which(name)
    if path is None:
        raise ProgramMissing(f"needs the program {name}: apt-get install {name}")
    return Path(path)


def free_port() -> int:
    """Return a port that nobody uses at present, for a program that cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(*command: str | Path, reads: str = "", limit_bytes: int = 2**20) -> AsyncIterator[Process]:
    """Run a program; `reads` is `stdout` or `stderr`, which the block then reads to its end.

    At the end of the block it gets SIGTERM, and SIGKILL where it does not end by that.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=DEVNULL,
        stdout=PIPE if reads == "stdout" else DEVNULL,
        stderr=PIPE if reads == "stderr" else DEVNULL,
        limit=limit_bytes,
    )
    try:
        yield process
    finally:
        ask_to_end(process)
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def ask_to_end(process: Process) -> None:
    """Send SIGTERM to a process that may have ended.

    Not by `process.terminate()`: that looks whether it has, and so takes its exit code from the event loop.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
