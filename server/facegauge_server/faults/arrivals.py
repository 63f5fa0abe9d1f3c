"""What the times of a stream's frames tell, of all that arrive, be they scored or not.

The times are those of their capture, so that the network's jitter and the server's load make no fault. Only
while nothing comes at all does the server's clock have to stand in.
"""

from __future__ import annotations

from collections import deque

from facegauge_server.faults.definitions import LOW_RATE, PAUSE_S, STOPPED, freeze_threshold_s
from facegauge_server.faults.watch import Watch
from facegauge_server.types import Fault

__all__ = ["Arrivals"]

MEAN_OVER = 30
"""Intervals that W3C takes the mean of."""
LEAST_INTERVALS = 10
"""Intervals after which the sender's rate is known."""
RATE_WINDOW_S = 1.0
USUAL_WINDOW_S = 3.0
"""How long a rate must have lasted to be what a stream has had."""


class Arrivals:
    """Frozen streams and low frame rates."""

    def __init__(self) -> None:
        self._intervals_s: deque[float] = deque(maxlen=MEAN_OVER)
        self._stopped, self._slow = Watch(STOPPED), Watch(LOW_RATE)
        self._last_s: float | None = None
        self._steps: deque[tuple[float, float]] = deque()
        """When a frame came and after which interval, within the longest window."""
        self._usual_fps = 0.0

    @property
    def freeze_threshold_s(self) -> float | None:
        """From which gap on the stream is frozen; None while its rate is not known."""
        if len(self._intervals_s) < LEAST_INTERVALS:
            return None
        return freeze_threshold_s(sum(self._intervals_s) / len(self._intervals_s))

    def frame(self, at_s: float) -> None:
        """Note that a frame of this capture time arrived; coded video may come in another order."""
        last_s = self._last_s
        if last_s is not None and at_s <= last_s:
            return
        self._last_s = at_s
        if last_s is None or at_s - last_s > PAUSE_S:
            self._forget()
            return
        interval_s = at_s - last_s
        limit_s = self.freeze_threshold_s
        self._stopped.see(interval_s if limit_s is not None else None, at_s, limit_s)
        self._intervals_s.append(interval_s)
        if limit_s is not None and interval_s >= limit_s:
            self._steps.clear()  # a freeze is no frame rate
        else:
            self._note_rate(at_s, interval_s)

    def silence(self, silent_s: float) -> None:
        """Note for how long no frame has arrived, on the server's clock."""
        limit_s = self.freeze_threshold_s
        if self._last_s is not None and limit_s is not None and silent_s >= limit_s:
            self._stopped.see(silent_s, self._last_s + silent_s, limit_s)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those that last."""
        return tuple(one.fault for one in (self._stopped, self._slow) if one.fault is not None)

    def _note_rate(self, at_s: float, interval_s: float) -> None:
        self._steps.append((at_s, interval_s))
        while at_s - self._steps[0][0] > USUAL_WINDOW_S:
            self._steps.popleft()
        if at_s - self._steps[0][0] >= USUAL_WINDOW_S - 1:
            self._usual_fps = max(self._usual_fps, self._rate(at_s, USUAL_WINDOW_S))
        limit = min(LOW_RATE.threshold, self._usual_fps / 2)
        is_known = self._usual_fps >= LOW_RATE.threshold
        self._slow.see(self._rate(at_s, RATE_WINDOW_S) if is_known else None, at_s, limit)

    def _rate(self, at_s: float, window_s: float) -> float:
        recent_s = [interval_s for came_s, interval_s in self._steps if at_s - came_s < window_s]
        return len(recent_s) / sum(recent_s)

    def _forget(self) -> None:
        self._intervals_s.clear()
        self._steps.clear()
