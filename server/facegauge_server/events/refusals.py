"""Streams that are not let in, told as events: few, however hard somebody knocks."""

from __future__ import annotations

import math
from collections import Counter

from facegauge_server.events.event import Event
from facegauge_server.events.reporter import Report
from facegauge_server.kinds import EventKind

__all__ = ["Refusals"]

INTERVAL_S = 1.0
"""Least time between two such events of one tenant."""
MAX_TENANTS = 1024
"""Tenants whose last such event is remembered."""


class Refusals:
    """Tells of streams that were refused for want of room."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._told_s: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def note(self, tenant: str, call_id: str, stream_id: str, why: str, now_s: float) -> None:
        """Tell of a stream that was refused, or count it for the next time; `now_s` is monotonic time."""
        if len(self._told_s) >= MAX_TENANTS:
            self._told_s.clear()
            self._untold.clear()
        self._untold[tenant] += 1
        if now_s - self._told_s.get(tenant, -math.inf) < INTERVAL_S:
            return
        self._told_s[tenant] = now_s
        count = self._untold.pop(tenant)
        self._report(Event(EventKind.STREAM_SHED, tenant, call_id, stream_id, streams_shed=count, text=why))
