"""How much slower than alone a program runs at present: limits are to blame a server, not its machine."""

from __future__ import annotations

import time

__all__ = ["slowdown"]

SAMPLE_S = 0.01


def slowdown() -> float:
    """Return the time on the clock that a second of processor time takes, seconds; 1 on an idle machine."""
    start_s, busy_s = time.perf_counter(), time.process_time()
    while time.process_time() - busy_s < SAMPLE_S:
        pass
    return max(1.0, (time.perf_counter() - start_s) / SAMPLE_S)
