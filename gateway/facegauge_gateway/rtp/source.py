"""Which packets belong to a source's sequence (RFC 3550, A.1), and their numbers without wrap-around."""

from __future__ import annotations

import math
from typing import NamedTuple

from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.statistics import Statistics
from facegauge_gateway.rtp.wrapping import wrapped_distance

__all__ = ["Arrival", "SourceSequence"]

MAX_DROPOUT = 3000
MAX_MISORDER = 100
RESTART_SILENCE_S = 0.5
"""How long nothing of the old sequence has come when another one is believed."""


class Arrival(NamedTuple):
    """A packet with its place in the sequence."""

    number: int
    """Sequence number, unwrapped."""
    packet: RtpPacket
    arrived_s: float


class SourceSequence:
    """Believes a sequence once two of its packets have come, and another one once the first has gone silent.

    A.1 drops the packets of a source on probation and lets any two packets that follow each other begin the
    sequence anew. Here the first packet waits for the second, since it may be a keyframe's, and they may come
    in either order; and a replayed second of the call changes nothing as long as the call itself goes on.
    """

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._highest: int | None = None
        self._last_good_s = -math.inf
        self._candidate: Arrival | None = None
        """What came first of a sequence that is not believed yet."""

    @property
    def is_valid(self) -> bool:
        """Whether the source has shown a sequence."""
        return self._highest is not None

    def place(self, packet: RtpPacket, now_s: float, *, is_retransmission: bool = False) -> list[Arrival]:
        """Return what now belongs to the sequence: nothing, the packet, or its first two.

        Two packets begin the sequence, so that whoever follows it begins anew as well (`restarts` counts). A
        retransmission may be far behind, and begins nothing.
        """
        if self._highest is not None:
            distance = wrapped_distance(packet.sequence, self._highest & 0xFFFF, 16)
            most_behind = MAX_DROPOUT if is_retransmission else MAX_MISORDER
            if -most_behind <= distance < MAX_DROPOUT:
                number = self._highest + distance
                self._highest = max(self._highest, number)
                self._last_good_s, self._candidate = now_s, None
                return [Arrival(number, packet, now_s)]
            self._statistics.misplaced += 1
            if now_s - self._last_good_s < RESTART_SILENCE_S:
                return []
        if is_retransmission:
            return []
        return self._probe(packet, now_s)

    def _probe(self, packet: RtpPacket, now_s: float) -> list[Arrival]:
        first = self._candidate
        if first is None:
            self._candidate = Arrival(packet.sequence, packet, now_s)
            return []
        distance = wrapped_distance(packet.sequence, first.packet.sequence, 16)
        if distance == 0:
            self._statistics.duplicates += self._highest is None
            return []
        if abs(distance) > MAX_MISORDER:
            self._statistics.misplaced += self._highest is None
            self._candidate = Arrival(packet.sequence, packet, now_s)
            return []
        if self._highest is not None:
            self._statistics.restarts += 1
            self._statistics.misplaced -= 2
        both = [first, Arrival(first.number + distance, packet, now_s)]
        self._highest = max(arrival.number for arrival in both)
        self._last_good_s, self._candidate = now_s, None
        return both
