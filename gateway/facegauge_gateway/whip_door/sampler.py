"""Which pictures of a publisher are sent on: as many a second as are scored, evenly spaced."""

from __future__ import annotations

__all__ = ["Sampler"]


class Sampler:
    """Spaces pictures by their own times, so that a burst after a gap is thinned like the rest."""

    def __init__(self, max_fps: float) -> None:
        """Let at most `max_fps` pictures a second through."""
        self._interval_s = 1 / max_fps
        self._next_s: float | None = None

    def wants(self, capture_time_s: float) -> bool:
        """Whether the picture of this time is sent; times do not go back."""
        if self._next_s is not None and capture_time_s < self._next_s:
            return False
        due_s = capture_time_s if self._next_s is None else self._next_s
        # Times are on the camera's grid: what came late does not shift those that follow, unless by much.
        self._next_s = max(due_s, capture_time_s - self._interval_s / 2) + self._interval_s
        return True
