"""How well a source is received: what a receiver report says of it (RFC 3550, 6.4.1)."""

from __future__ import annotations

from aiortc.rtp import RtcpReceiverInfo, clamp_packets_lost

from facegauge_gateway.rtp.source import Arrival
from facegauge_gateway.rtp.wrapping import wrapped_distance

__all__ = ["Reception"]

MAX_JITTER_STEP_S = 5.0
"""A difference above is a jump of the clock, not of the network (as WebRTC has it)."""


class Reception:
    """Counts by RFC 3550, A.3 and A.8, since the sequence began."""

    def __init__(self, first_number: int, clock_rate_hz: int) -> None:
        self._first = self._highest = first_number
        self._rate_hz = clock_rate_hz
        self._received = 0
        self._reported_expected = self._reported_received = 0
        self._last: tuple[int, float] | None = None
        self._jitter = 0.0

    @property
    def jitter_s(self) -> float:
        """Interarrival jitter."""
        return self._jitter / self._rate_hz

    def add(self, arrival: Arrival) -> None:
        """Count a packet that belongs to the sequence, duplicates included."""
        self._received += 1
        self._first = min(self._first, arrival.number)
        self._highest = max(self._highest, arrival.number)
        self._measure_jitter(arrival.packet.timestamp, arrival.arrived_s)

    def _measure_jitter(self, timestamp: int, arrived_s: float) -> None:
        """Follow A.8 for the first packet of each timestamp: the others wait for the sender's pacing."""
        if self._last is not None:
            step = wrapped_distance(timestamp, self._last[0], 32)
            if step <= 0:
                return
            difference = abs((arrived_s - self._last[1]) * self._rate_hz - step)
            if difference < MAX_JITTER_STEP_S * self._rate_hz:
                self._jitter += (difference - self._jitter) / 16
        self._last = timestamp, arrived_s

    def report(self, ssrc: int, sender_report: tuple[int, float] | None, now_s: float) -> RtcpReceiverInfo:
        """Write a report block, whose fraction is that since the last one.

        `sender_report` is the last one's NTP timestamp, 64 bits, and its arrival: from the block's LSR and
        DLSR the sender tells its round trip time.
        """
        expected = self._highest - self._first + 1
        expected_since = expected - self._reported_expected
        lost_since = expected_since - (self._received - self._reported_received)
        self._reported_expected, self._reported_received = expected, self._received
        fraction = 256 * lost_since // expected_since if expected_since > 0 and lost_since > 0 else 0
        lsr = dlsr = 0
        if sender_report is not None:
            lsr = sender_report[0] >> 16 & 0xFFFFFFFF
            dlsr = min(round((now_s - sender_report[1]) * 65536), 0xFFFFFFFF)
        return RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=min(fraction, 255),
            packets_lost=clamp_packets_lost(expected - self._received),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(int(self._jitter), 0xFFFFFFFF),
            lsr=lsr,
            dlsr=dlsr,
        )
