"""A training that is killed where a test wants it."""

from __future__ import annotations

import os
import subprocess
import sys


def kill_at(line: str, program: str) -> None:
    """Run a Python program until it prints a line, then SIGKILL it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert any(output.startswith(line) for output in process.stdout), "it ended by itself"
        process.kill()
