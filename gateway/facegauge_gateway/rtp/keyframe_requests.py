"""When to ask for a keyframe: each costs the viewers quality, so on join and after loss only, and seldom."""

from __future__ import annotations

import math

__all__ = ["KeyframeRequests"]

LONGEST_INTERVAL_S = 8.0


class KeyframeRequests:
    """Paces picture loss indications (RFC 4585, 6.3.1).

    A request that brings no keyframe is repeated, each time after twice the wait; a keyframe ends that, and
    leaves the interval between two requests as it is.
    """

    def __init__(self, interval_s: float) -> None:
        self._shortest_s = self._interval_s = interval_s
        self._sent_s = -math.inf
        self._is_needed = False
        self.unanswered = 0
        """Requests since the last keyframe."""

    @property
    def next_due_s(self) -> float | None:
        """When to send the next one; None where no keyframe is needed."""
        return self._sent_s + self._interval_s if self._is_needed else None

    def need(self) -> None:
        """Take note that nothing can be decoded before a keyframe."""
        self._is_needed = True

    def satisfy(self) -> None:
        """Take note that one has come."""
        self._is_needed, self.unanswered = False, 0
        self._interval_s = self._shortest_s

    def take_due(self, now_s: float) -> bool:
        """Whether to send a request now; counts as sent."""
        if self.next_due_s is None or now_s < self.next_due_s:
            return False
        if self.unanswered:
            self._interval_s = min(2 * self._interval_s, max(LONGEST_INTERVAL_S, self._shortest_s))
        self._sent_s = now_s
        self.unanswered += 1
        return True
