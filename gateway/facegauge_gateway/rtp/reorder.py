"""Packets in their order, and what is missing told once it has been waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from facegauge_gateway.rtp.source import Arrival
from facegauge_gateway.rtp.statistics import Statistics

__all__ = ["Gap", "ReorderBuffer"]

REMEMBERED_LOSSES = 4096


class Gap:
    """In the place of packets that have not come in time."""


class ReorderBuffer:
    """Holds packets back while an earlier one may still come; packets in order pass at once."""

    def __init__(self, statistics: Statistics, *, wait_s: float, max_packets: int, max_bytes: int) -> None:
        """Wait for a missing packet, counted from the first one after it, within limits of what is held."""
        self._statistics = statistics
        self.wait_s = wait_s
        """How long a missing packet is waited for."""
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._held: dict[int, Arrival] = {}
        self._held_bytes = 0
        self._first = 0
        self._next = 0
        self._waiting_since_s: float | None = None
        self._lost: set[int] = set()
        self._lost_in_order: deque[int] = deque()

    @property
    def next_due_s(self) -> float | None:
        """When the wait for what is missing ends; None where nothing is."""
        return None if self._waiting_since_s is None else self._waiting_since_s + self.wait_s

    def missing(self) -> Iterator[int]:
        """Return the packets that are waited for, in their order."""
        held = self._held
        return (number for number in range(self._next, max(held, default=0)) if number not in held)

    def begin(self, number: int) -> None:
        """Begin a sequence with this packet and forget what was held of another one."""
        self._held.clear()
        self._lost.clear()
        self._lost_in_order.clear()
        self._first = self._next = number
        self._held_bytes, self._waiting_since_s = 0, None

    def add(self, arrival: Arrival) -> None:
        """Take a packet in; one that was there or was given up before is counted and dropped."""
        number = arrival.number
        if number in self._held:
            self._statistics.duplicates += 1
        elif number >= self._next:
            self._held[number] = arrival
            self._held_bytes += len(arrival.packet.payload)
        elif number in self._lost or number < self._first:
            self._lost.discard(number)
            self._statistics.late += 1
        else:
            self._statistics.duplicates += 1

    def release(self, now_s: float) -> Iterator[Arrival | Gap]:
        """Give out what is in order, and a Gap before what follows packets that are given up."""
        while self._held:
            arrival = self._held.pop(self._next, None)
            if arrival is not None:
                self._held_bytes -= len(arrival.packet.payload)
                self._next, self._waiting_since_s = arrival.number + 1, None
                yield arrival
                continue
            if self._waiting_since_s is None:
                self._waiting_since_s = next(iter(self._held.values())).arrived_s  # came first of those held
            is_full = len(self._held) > self._max_packets or self._held_bytes > self._max_bytes
            if not is_full and now_s < self._waiting_since_s + self.wait_s:
                return
            self._give_up()
            yield Gap()
        self._waiting_since_s = None

    def _give_up(self) -> None:
        """Go on with the first packet that is there."""
        while self._next not in self._held:
            self._statistics.lost += 1
            self._lost.add(self._next)
            self._lost_in_order.append(self._next)
            self._next += 1
        while len(self._lost_in_order) > REMEMBERED_LOSSES:
            self._lost.discard(self._lost_in_order.popleft())
        self._waiting_since_s = None
