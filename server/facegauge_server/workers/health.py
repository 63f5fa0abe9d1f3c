"""How the workers are, and what they have cost: for readiness and metrics."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from facegauge_server.metrics import RestartReason

__all__ = ["MAX_RESTARTS_A_MINUTE", "RestartLog", "WorkersHealth"]

MAX_RESTARTS_A_MINUTE = 30
"""More, and the server is not ready: something here or in the calls is badly wrong."""
MAX_RESTARTS_NOTED = 1000


@dataclass(frozen=True, slots=True)
class WorkersHealth:
    """How the workers are."""

    serving: int
    """Workers that take frames."""
    restarts_last_minute: int

    @property
    def why_not_ready(self) -> str:
        """What is wrong; empty while all is well."""
        if not self.serving:
            return "no worker process is running"
        if self.restarts_last_minute > MAX_RESTARTS_A_MINUTE:
            return f"{self.restarts_last_minute} worker processes had to be replaced within a minute"
        return ""


class RestartLog:
    """When workers had to be replaced. May be read from other threads."""

    def __init__(
        self, on_restart: Callable[[RestartReason], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start empty; `on_restart` hears every reason."""
        self._on_restart = on_restart
        self._clock = clock
        self._times_s: deque[float] = deque(maxlen=MAX_RESTARTS_NOTED)

    def note(self, reason: RestartReason) -> None:
        """Note that a worker must be replaced."""
        self._times_s.append(self._clock())
        self._on_restart(reason)

    def last_minute(self) -> int:
        """Return how many had to be replaced within the last minute."""
        now_s = self._clock()
        return sum(now_s - restart_s < 60 for restart_s in list(self._times_s))
