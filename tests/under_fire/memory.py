"""Memory of a server and its workers."""

from __future__ import annotations

import psutil

__all__ = ["memory_bytes"]


def memory_bytes(process: psutil.Process) -> int:
    """Return the memory of a process and its children, pages that they share counted once."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total
