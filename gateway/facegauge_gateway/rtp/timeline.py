"""One line of time out of a stream's 32-bit timestamps."""

from __future__ import annotations

from facegauge_gateway.rtp.wrapping import wrapped_distance

__all__ = ["Timeline"]

MAX_DRIFT_S = 5.0
"""By how much more or less than the arrivals two timestamps that follow each other may differ."""


class Timeline:
    """Unwraps timestamps, and lets none jump: a sender that begins anew goes on where the time is by arrival.

    RFC 3550, 5.1, has timestamps begin at random, so those before and after a restart have nothing in common.
    """

    def __init__(self, clock_rate_hz: int) -> None:
        self._rate_hz = clock_rate_hz
        self._last: tuple[int, int, float] | None = None
        """Timestamp, the same on the line, and arrival."""

    def place(self, timestamp: int, arrival_s: float) -> int:
        """Return where on the line a unit lies that has arrived; the first keeps its timestamp."""
        if self._last is None:
            self._last = timestamp, timestamp, arrival_s
            return timestamp
        last, last_placed, last_arrival_s = self._last
        step = wrapped_distance(timestamp, last, 32)
        passed = max(0, round((arrival_s - last_arrival_s) * self._rate_hz))
        if abs(step - passed) > MAX_DRIFT_S * self._rate_hz:
            step = passed
        self._last = timestamp, last_placed + step, arrival_s
        return last_placed + step
