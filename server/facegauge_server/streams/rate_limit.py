"""Hold a stream, or all streams of a tenant together, to a maximum frame rate."""

from __future__ import annotations

import math
from collections.abc import Container

__all__ = ["RateLimit", "TenantLimits"]

BURST_S = 0.1
"""How far ahead of its rate a stream may run: frames of a real call do not arrive evenly."""


class RateLimit:
    """Spaces frames at `max_fps` (generic cell rate algorithm). Times are the server's monotonic clock."""

    def __init__(self, max_fps: float) -> None:
        """Allow `max_fps` frames per second; 0 allows any rate."""
        self._interval_s = 1 / max_fps if max_fps else 0.0
        self._next_s = -math.inf

    @property
    def ready_s(self) -> float:
        """The time from which the next frame may pass; minus infinity before the first frame."""
        return self._next_s - BURST_S if self._interval_s else -math.inf

    def take(self, now_s: float) -> None:
        """Note that a frame passes."""
        self._next_s = max(self._next_s, now_s) + self._interval_s

    def reserve(self, now_s: float) -> float:
        """Count a frame that may have to wait; return when it may pass, `now_s` at the earliest.

        Where several streams share the limit, each gets its turn in the order in which they ask.
        """
        passes_s = max(now_s, self.ready_s)
        self.take(now_s)
        return passes_s


class TenantLimits:
    """One `RateLimit` for all streams of each tenant."""

    def __init__(self, max_fps: float) -> None:
        """Allow each tenant `max_fps` frames per second; 0 allows any rate."""
        self.max_fps = max_fps
        self._limits: dict[str, RateLimit] = {}

    def __len__(self) -> int:
        return len(self._limits)

    def of(self, tenant: str) -> RateLimit:
        """Return a tenant's limit; callers who are not identified, tenant "", have none."""
        if not self.max_fps or not tenant:
            return RateLimit(0)
        return self._limits.setdefault(tenant, RateLimit(self.max_fps))

    def forget_idle(self, live: Container[str], now_s: float) -> None:
        """Drop the limits of tenants without live streams, as soon as that gives them no frame for free."""
        for tenant, limit in list(self._limits.items()):
            if tenant not in live and limit.ready_s <= now_s:
                del self._limits[tenant]
