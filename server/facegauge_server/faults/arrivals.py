"""What the times of a stream's frames tell, of all that arrive, be they scored or not.

The times are those of their capture, so that the network's jitter and the server's load make no fault; frames
that the client left out count as if they had come. Only while nothing comes at all does the server's clock
have to stand in.
"""

from __future__ import annotations

from collections import deque

from facegauge_server.faults.definitions import LOW_RATE, PAUSE_S, STOPPED, UNDECODABLE, freeze_threshold_s
from facegauge_server.faults.watch import Watch
from facegauge_server.snapshots import Rule
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
        """Between frames that the sender captured."""
        self._gaps_s: deque[float] = deque(maxlen=MEAN_OVER)
        """Between frames that arrived."""
        self._stopped, self._stuck, self._slow = Watch(STOPPED), Watch(UNDECODABLE), Watch(LOW_RATE)
        self._last_s: float | None = None
        self._decodable_s: float | None = None
        """Capture time of the last frame that could be decoded."""
        self._steps: deque[tuple[float, float, int]] = deque()
        """When a frame came, after which gap and for how many frames, within the longest window."""
        self.usual_fps = 0.0
        """The highest rate that the stream has kept up."""
        self.watches = {
            Rule.STOPPED: self._stopped,
            Rule.UNDECODABLE: self._stuck,
            Rule.LOW_RATE: self._slow,
        }

    @property
    def freeze_threshold_s(self) -> float | None:
        """From which gap on the stream is frozen; None while its rate is not known."""
        return self._threshold_s(self._intervals_s)

    @property
    def silence_threshold_s(self) -> float | None:
        """From which time without a frame on the stream is frozen: as before, by the frames that arrive."""
        return self._threshold_s(self._gaps_s)

    def frame(self, at_s: float, frames: int = 1, *, is_decodable: bool = True) -> None:
        """Note that a frame arrived; one that was captured before another one tells nothing.

        Args:
            at_s: capture time.
            frames: how many the sender has captured since the one before, with this one.
            is_decodable: whether what it depends on is there.
        """
        last_s = self._last_s
        if last_s is not None and last_s - PAUSE_S <= at_s <= last_s:
            return
        self._last_s = at_s
        if last_s is None or not last_s < at_s <= last_s + PAUSE_S:
            self._forget()
            self._decodable_s = at_s if is_decodable else None
            return
        gap_s, interval_s = at_s - last_s, (at_s - last_s) / frames
        limit_s = self.freeze_threshold_s
        self._stopped.see(interval_s if limit_s is not None else None, at_s, limit_s)
        self._note_decodable(at_s, limit_s, is_decodable=is_decodable)
        self._gaps_s.append(gap_s)
        self._intervals_s.extend([interval_s] * min(frames, MEAN_OVER))
        if limit_s is not None and interval_s >= limit_s:
            self._steps.clear()  # a freeze is no frame rate
        else:
            self._note_rate(at_s, gap_s, frames)

    def interrupted(self) -> None:
        """Note that the connection broke: what was lost with it is no fault, and the rate is learnt anew."""
        self._last_s = None

    def undecodable_since(self, at_s: float) -> None:
        """Note that frames from this capture time on could not be decoded after all."""
        if self._decodable_s is not None:
            self._decodable_s = min(self._decodable_s, at_s)

    def silence(self, silent_s: float) -> None:
        """Note for how long no frame has arrived, on the server's clock."""
        limit_s = self.silence_threshold_s
        if self._last_s is not None and limit_s is not None and silent_s >= limit_s:
            self._stopped.see(silent_s, self._last_s + silent_s, limit_s)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those that last."""
        return tuple(one.fault for one in self.watches.values() if one.fault is not None)

    def _threshold_s(self, steps_s: deque[float]) -> float | None:
        if len(self._intervals_s) < LEAST_INTERVALS:
            return None
        return freeze_threshold_s(sum(steps_s) / len(steps_s))

    def _note_decodable(self, at_s: float, limit_s: float | None, *, is_decodable: bool) -> None:
        if is_decodable:
            self._decodable_s = at_s
        is_known = self._decodable_s is not None and limit_s is not None and not is_decodable
        self._stuck.see(at_s - (self._decodable_s or 0.0) if is_known else None, at_s, limit_s)

    def _note_rate(self, at_s: float, gap_s: float, frames: int) -> None:
        self._steps.append((at_s, gap_s, frames))
        while at_s - self._steps[0][0] > USUAL_WINDOW_S:
            self._steps.popleft()
        if at_s - self._steps[0][0] >= USUAL_WINDOW_S - 1:
            self.usual_fps = max(self.usual_fps, self._rate(at_s, USUAL_WINDOW_S))
        limit = min(LOW_RATE.threshold, self.usual_fps / 2)
        is_known = self.usual_fps >= LOW_RATE.threshold
        self._slow.see(self._rate(at_s, RATE_WINDOW_S) if is_known else None, at_s, limit)

    def _rate(self, at_s: float, window_s: float) -> float:
        recent = [(gap_s, frames) for came_s, gap_s, frames in self._steps if at_s - came_s < window_s]
        return sum(frames for _, frames in recent) / sum(gap_s for gap_s, _ in recent)

    def _forget(self) -> None:
        self._intervals_s.clear()
        self._gaps_s.clear()
        self._steps.clear()
