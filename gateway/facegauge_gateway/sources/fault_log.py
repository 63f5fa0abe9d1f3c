"""What is wrong with a source's pictures, in the log once in a while: a counter says how often, not what."""

from __future__ import annotations

import math

from facegauge_gateway.log import Log
from facegauge_gateway.rtp.statistics import Statistics

__all__ = ["FaultLog"]

LOG_INTERVAL_S = 10.0
"""Shortest time between two lines of one source."""


class FaultLog:
    """Tells of units that could not be put together, and what a source came to as it ends."""

    def __init__(self, statistics: Statistics, log: Log) -> None:
        self._statistics = statistics
        self._log = log
        self._told = 0
        self._told_s = -math.inf

    def look(self, now_s: float) -> None:
        """Log the newest fault, if there is one since the last line."""
        faults = self._statistics.bad.total()
        if faults > self._told and now_s - self._told_s >= LOG_INTERVAL_S:
            self._log.warning(
                "pictures cannot be put together",
                count=faults - self._told,
                newest=self._statistics.last_fault,
            )
            self._told, self._told_s = faults, now_s

    def end(self, why: str) -> None:
        """Log what the source came to."""
        counted = self._statistics
        self._log.info(
            "source ended",
            why=why,
            packets=counted.packets,
            lost=counted.lost,
            restarts=counted.restarts,
            units=counted.units,
            keyframes=counted.keyframes,
            units_broken=counted.units_broken,
            breaks=counted.breaks,
            keyframe_requests=counted.plis,
        )
