"""Whether the server can do its work, apart from whether it lives.

A process that answers is alive. It is ready while it takes new streams and a picture has gone through the
whole pipeline within the last seconds: a frame of a call, or the probe's.
"""

from __future__ import annotations

import math

__all__ = ["Readiness"]

MAX_SILENCE_S = 10.0
"""Longest time since a picture was scored for which the server still counts as ready."""


class Readiness:
    """Collects what speaks against readiness. Times are monotonic seconds."""

    def __init__(self, max_silence_s: float = MAX_SILENCE_S) -> None:
        self._max_silence_s = max_silence_s
        self._scored_s = -math.inf
        self._faults: dict[str, str] = {}
        self._draining = False

    @property
    def scored_s(self) -> float:
        """When a picture last went through the pipeline."""
        return self._scored_s

    def note_scored(self, now_s: float) -> None:
        """Note that a picture has gone through the pipeline."""
        self._scored_s = now_s

    def set_fault(self, name: str, why: str) -> None:
        """Note what is broken, under a name, until it is cleared."""
        self._faults[name] = why

    def clear_fault(self, name: str) -> None:
        """Note that what had a name works again."""
        self._faults.pop(name, None)

    def drain(self) -> None:
        """Note that the server is shutting down."""
        self._draining = True

    def is_ready(self, now_s: float) -> bool:
        """Return whether nothing speaks against readiness."""
        return not self.reasons_against(now_s)

    def reasons_against(self, now_s: float) -> list[str]:
        """Return why the server is not ready; empty when it is."""
        reasons = ["draining"] if self._draining else []
        silence_s = now_s - self._scored_s
        if silence_s > self._max_silence_s:
            since = "yet" if math.isinf(silence_s) else f"for {silence_s:.0f} s"
            reasons.append(f"no picture has gone through the pipeline {since}")
        return reasons + [f"{name}: {why}" for name, why in self._faults.items()]
