"""Packets that are not taken: counted by reason, and explained in the log, each reason once in a while."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from facegauge_gateway.log import Log

__all__ = ["Refusals"]

LOG_INTERVAL_S = 10.0
"""Shortest time between two lines of one reason: a flood fills no disk."""


class Refusals:
    """Counts and explains what is refused."""

    def __init__(self, registry: CollectorRegistry, log: Log) -> None:
        self._log = log
        self._counter = Counter(
            "facegauge_gateway_rtp_refused",
            "Datagrams that were not taken, by reason; the log explains",
            ["reason"],
            registry=registry,
        )
        self._logged_s: dict[str, float] = {}

    def refuse(self, reason: str, explanation: str, now_s: float) -> None:
        """Count a datagram; `reason` is of a closed set, `explanation` says who must do what."""
        self._counter.labels(reason).inc()
        if now_s - self._logged_s.get(reason, -LOG_INTERVAL_S) >= LOG_INTERVAL_S:
            self._logged_s[reason] = now_s
            self._log.warning("a datagram was refused", reason=reason, explanation=explanation)
