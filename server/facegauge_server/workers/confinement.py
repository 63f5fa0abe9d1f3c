"""What a worker may not do: outlive the server, leave core files, fill memory or disk, gain rights."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

__all__ = ["MAX_STDERR_BYTES", "confine", "die_with_parent", "leave_signals_to_the_server", "limit_memory"]

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
MAX_STDERR_BYTES = 64 * 1024
"""A worker writes to no file but its messages, which lie in memory until it ends."""
MAX_OPEN_FILES = 64
KILLED_FIRST = 500
"""Out-of-memory score (of 1000) that lets the kernel kill workers first: the server cannot be replaced."""

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """End this process when its parent does, even if that was before the call (Linux)."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def leave_signals_to_the_server() -> None:
    """Ignore what asks to end: a supervisor may ask all processes at once, and the server finishes first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def confine() -> None:
    """Take from this process, for good, what a worker does not need."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text("facegauge-work")  # what `ps` and `top` show
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_STDERR_BYTES, MAX_STDERR_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, MAX_OPEN_FILES))
    with suppress(OSError):  # some containers show this file and let nobody write it
        Path("/proc/self/oom_score_adj").write_text(str(KILLED_FIRST))


def limit_memory(more_bytes: int) -> None:
    """Let this process take so much memory of its own beyond what it has now, stacks included."""
    status = Path("/proc/self/status").read_text()
    now_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    limit = now_kib * 1024 + more_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")
