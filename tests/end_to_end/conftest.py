"""The real programs: the server and Prometheus as processes of their own, on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running `facegauge-server`."""

    process: subprocess.Popen[str]
    pid: int
    """Of the server itself, where it runs under another program."""
    listen: str
    metrics_url: str


StartServerProcess = Callable[..., ServerProcess]


@contextmanager
def run_server(*flags: str, under: tuple[str, ...] = ()) -> Iterator[ServerProcess]:
    """Run a server on free ports.

    In one precision: to choose it takes longer than all else of a start, and tests/server/test_app.py's do.
    """
    command = (
        *under,
        *(sys.executable, "-m", "facegauge_server", "--precision", "f32"),
        *("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *flags),
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield ServerProcess(process, ready["pid"], ready["listen"], ready["metrics"])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(ready["pid"], signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def start_server_process() -> Iterator[StartServerProcess]:
    """Starts servers with the given flags and stops them at the end."""
    with ExitStack() as stack:
        yield lambda *flags, under=(): stack.enter_context(run_server(*flags, under=under))


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server with its defaults, for all tests of a file."""
    with run_server() as process:
        yield process


def find_program(name: str) -> str:
    """Return the path of a Debian program; skips the test where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs the program {name}: apt-get install {name}")
    return path


@pytest.fixture(scope="session")
def facegauge() -> str:
    """The installed command line client."""
    return str(Path(sys.executable).parent / "facegauge")
