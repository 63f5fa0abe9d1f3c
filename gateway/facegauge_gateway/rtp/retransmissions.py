"""When to ask for a missing packet again (NACK, RFC 4585, 6.2.1), and how long it is worth waiting for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

__all__ = ["RetransmissionRequests"]

ASSUMED_ROUND_TRIP_S = 0.1
"""Before the first retransmission has shown it."""
SHORTEST_RETRY_S = 0.02
ROUND_TRIPS_WAITED = 3.5
"""Time for a request, and for two more where it or its answer is lost."""
REMEMBERED_S = 2.0
"""How long after a request a retransmission still tells the round trip."""
MAX_PACKETS = 256
"""Packets asked for at a time: where more are missing, a keyframe is cheaper."""


@dataclass(slots=True)
class _Asked:
    first_s: float
    last_s: float


class RetransmissionRequests:
    """Asks for what is missing at once, and again after each round trip for as long as it is waited for.

    The round trip is the shortest of late from the first request for a packet to its retransmission: one that
    is lost on its way makes that time longer, and nothing makes it shorter.
    """

    def __init__(self, shortest_wait_s: float, longest_wait_s: float) -> None:
        """Bound how long a missing packet is waited for."""
        self._shortest_wait_s = shortest_wait_s
        self._longest_wait_s = longest_wait_s
        self._asked: dict[int, _Asked] = {}
        self._round_trips_s: deque[float] = deque(maxlen=16)
        self.next_due_s: float | None = None
        """When to ask again for what is still missing; None where nothing is."""

    @property
    def round_trip_s(self) -> float:
        """Time from a request to the retransmission."""
        return min(self._round_trips_s, default=ASSUMED_ROUND_TRIP_S)

    @property
    def wait_s(self) -> float:
        """How long to wait for a missing packet."""
        return min(max(self._shortest_wait_s, ROUND_TRIPS_WAITED * self.round_trip_s), self._longest_wait_s)

    def take_due(self, missing: Iterable[int], now_s: float) -> list[int]:
        """Return which of the missing packets to ask for now; they count as asked for."""
        for number in list(self._asked):
            if now_s - self._asked[number].first_s <= REMEMBERED_S:
                break
            del self._asked[number]
        due: list[int] = []
        self.next_due_s = None
        retry_s = max(SHORTEST_RETRY_S, self.round_trip_s)
        for number in islice(missing, MAX_PACKETS):
            asked = self._asked.get(number)
            if asked is None:
                asked = self._asked[number] = _Asked(now_s, now_s)
                due.append(number)
            elif now_s >= asked.last_s + retry_s:
                asked.last_s = now_s
                due.append(number)
            again_s = asked.last_s + retry_s
            self.next_due_s = again_s if self.next_due_s is None else min(self.next_due_s, again_s)
        return due

    def arrived(self, number: int, now_s: float) -> None:
        """Take note of a retransmission."""
        asked = self._asked.pop(number, None)
        if asked is not None:
            self._round_trips_s.append(now_s - asked.first_s)
