"""Time that a stream spends in each state, on the server's clock."""

from __future__ import annotations

from facegauge_server.types import StreamState

__all__ = ["StateTimes"]


class StateTimes:
    """The states of one stream so far."""

    def __init__(self, state: StreamState, now_s: float) -> None:
        """Begin in a state."""
        self._state = state
        self._since_s = now_s
        self._spent_s: dict[StreamState, float] = {}

    def enter(self, state: StreamState, now_s: float) -> None:
        """Note the state from now on, which may be the same."""
        self._spent_s = self.until(now_s)
        self._state, self._since_s = state, now_s

    def until(self, now_s: float) -> dict[StreamState, float]:
        """Return the seconds in each state."""
        before_s = self._spent_s.get(self._state, 0.0)
        return {**self._spent_s, self._state: before_s + now_s - self._since_s}

    def snapshot(self, now_s: float) -> tuple[tuple[StreamState, float], ...]:
        """Return the seconds in each state that the stream has been in."""
        spent_s = self.until(now_s)
        return tuple((state, spent_s[state]) for state in StreamState if spent_s.get(state))

    def restore(
        self, spent_s: tuple[tuple[StreamState, float], ...], state: StreamState, since_s: float
    ) -> None:
        """Go on from a snapshot, in a state since the time that it was taken at."""
        self._spent_s, self._state, self._since_s = dict(spent_s), state, since_s
