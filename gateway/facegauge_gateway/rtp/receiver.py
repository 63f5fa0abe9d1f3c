"""The receiver of one synchronisation source (RFC 3550): packets in, access units and RTCP out.

It has no clock and no socket. `now_s` is any clock that does not go back, the same one in every call.
"""

from __future__ import annotations

from collections.abc import Mapping

from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.assembler import Assembler
from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ, Codec
from facegauge_gateway.rtp.keyframe_requests import KeyframeRequests
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.reception import Reception
from facegauge_gateway.rtp.reorder import Gap, ReorderBuffer
from facegauge_gateway.rtp.retransmissions import RetransmissionRequests
from facegauge_gateway.rtp.rtcp import Goodbye, SenderReport, read_rtcp, write_feedback
from facegauge_gateway.rtp.source import SourceSequence
from facegauge_gateway.rtp.statistics import Statistics
from facegauge_gateway.rtp.timeline import Timeline

__all__ = ["MAX_UNIT_BYTES", "StreamReceiver"]

REPORT_INTERVAL_S = 1.0
"""Between receiver reports; RFC 4585, 3.5.3, lets a receiver of video report more often than every 5 s."""
CNAME = "facegauge-gateway"
MAX_UNIT_BYTES = 2 * 1024 * 1024
"""What the server takes by default."""


class StreamReceiver:
    """Whole access units of one SSRC in decoding order, and the feedback that its sender needs."""

    def __init__(
        self,
        codecs: Mapping[int, Codec],
        *,
        clock_rate_hz: int = CLOCK_RATE_HZ,
        reorder_s: float = 0.1,
        max_packets: int = 2048,
        max_unit_bytes: int = MAX_UNIT_BYTES,
        pli_interval_s: float = 1.0,
        max_repair_s: float | None = None,
        own_ssrc: int | None = None,
    ) -> None:
        """Take the codecs by payload type.

        Args:
            codecs: what is negotiated; packets of other payload types are counted and hold their place.
            clock_rate_hz: of the timestamps.
            reorder_s: how long a missing packet is waited for.
            max_packets: how many may be held meanwhile; `max_unit_bytes` bounds their bytes as well.
            max_unit_bytes: a larger unit is dropped.
            pli_interval_s: least time between two requests for a keyframe.
            max_repair_s: where given, missing packets are asked for again (NACK), and waited for by the round
                trip that this takes, from `reorder_s` up to so long.
            own_ssrc: from which feedback comes; None for one beside the source's.
        """
        self._codecs = codecs
        self._clock_rate_hz = clock_rate_hz
        self.statistics = Statistics()
        self.has_ended = False
        """Whether the sender has said goodbye, and sent nothing since."""
        self._ssrc: int | None = None
        self._own_ssrc = own_ssrc
        self._sequence = SourceSequence(self.statistics)
        self._reception: Reception | None = None
        self._buffer = ReorderBuffer(
            self.statistics, wait_s=reorder_s, max_packets=max_packets, max_bytes=max_unit_bytes
        )
        timeline = Timeline(clock_rate_hz)
        self._assembler = Assembler(timeline.place, self.statistics, max_unit_bytes=max_unit_bytes)
        self._keyframes = KeyframeRequests(pli_interval_s)
        self._retransmissions = (
            None if max_repair_s is None else RetransmissionRequests(reorder_s, max_repair_s)
        )
        self._sender_report: tuple[int, float] | None = None
        self._next_report_s = 0.0

    def receive(
        self, packet: RtpPacket, now_s: float, *, is_retransmission: bool = False
    ) -> list[AccessUnit]:
        """Take a packet that has arrived; returns the units that it completes, often none.

        A retransmission (RFC 4588) comes as the packet that it repeats. Reports do not count it: they tell
        what the path loses.
        """
        if self._ssrc is None:
            self._ssrc = packet.ssrc
        elif packet.ssrc != self._ssrc:
            raise ValueError(f"this receiver is of SSRC {self._ssrc}, the packet of {packet.ssrc}")
        self.has_ended = False
        self.statistics.packets += 1
        self.statistics.retransmitted += is_retransmission
        self.statistics.bytes += len(packet.payload)
        if packet.payload_type not in self._codecs:
            self.statistics.other_payloads += 1
        arrivals = self._sequence.place(packet, now_s, is_retransmission=is_retransmission)
        if len(arrivals) > 1:
            self._begin(min(arrival.number for arrival in arrivals), now_s)
        if self._reception is not None:
            for arrival in arrivals:
                if not is_retransmission:
                    self._reception.add(arrival)
                elif self._retransmissions is not None:
                    self._retransmissions.arrived(arrival.number, now_s)
                self._buffer.add(arrival)
            self.statistics.jitter_s = self._reception.jitter_s
        return self.poll(now_s)

    def poll(self, now_s: float) -> list[AccessUnit]:
        """Give out what has waited long enough; call it at `next_poll_s`."""
        units: list[AccessUnit] = []
        if self._retransmissions is not None:
            self._buffer.wait_s = self._retransmissions.wait_s
        for item in self._buffer.release(now_s):
            if isinstance(item, Gap):
                self._assembler.lose()
            else:
                codec = self._codecs.get(item.packet.payload_type)
                units += self._assembler.add(item.packet, codec, item.arrived_s)
        if any(unit.keyframe for unit in units):
            self._keyframes.satisfy()
            self.statistics.plis_unanswered = 0
        if self._assembler.needs_keyframe:
            self._keyframes.need()
        return units

    @property
    def next_poll_s(self) -> float | None:
        """When to call `poll` and `feedback` again if no packet comes; None: not before one comes."""
        if not self._sequence.is_valid or self.has_ended:
            return None
        asks_again_s = None if self._retransmissions is None else self._retransmissions.next_due_s
        times = (self._buffer.next_due_s, self._keyframes.next_due_s, asks_again_s, self._next_report_s)
        return min(time_s for time_s in times if time_s is not None)

    def need_keyframe(self) -> None:
        """Take note that whoever decodes needs a keyframe: `feedback` asks for one, within the limit."""
        self._keyframes.need()

    def feedback(self, now_s: float) -> bytes | None:
        """Return the RTCP compound to send now, if any: a receiver report, with a PLI and NACK where due."""
        if self._reception is None or self._ssrc is None or self.has_ended:
            return None
        asks_for_keyframe = self._keyframes.take_due(now_s)
        missing: list[int] = []
        if self._retransmissions is not None:
            missing = self._retransmissions.take_due(self._buffer.missing(), now_s)
        if not asks_for_keyframe and not missing and now_s < self._next_report_s:
            return None
        self._next_report_s = now_s + REPORT_INTERVAL_S
        self.statistics.plis += asks_for_keyframe
        self.statistics.plis_unanswered = self._keyframes.unanswered
        self.statistics.nacks += bool(missing)
        self.statistics.reports += 1
        report = self._reception.report(self._ssrc, self._sender_report, now_s)
        own_ssrc = self._ssrc + 1 & 0xFFFFFFFF if self._own_ssrc is None else self._own_ssrc
        return write_feedback(own_ssrc, CNAME, report, asks_for_keyframe=asks_for_keyframe, missing=missing)

    def sender_report(self, data: bytes, now_s: float) -> None:
        """Take an RTCP compound that has arrived: reports and goodbyes of this source; raises BadPacket."""
        for item in read_rtcp(data):
            match item:
                case SenderReport(ssrc, ntp_timestamp) if ssrc == self._ssrc:
                    self._sender_report = ntp_timestamp, now_s
                case Goodbye(ssrc) if ssrc == self._ssrc:
                    self.has_ended = True
                case _:
                    pass

    def _begin(self, first_number: int, now_s: float) -> None:
        """Begin the source's sequence, or begin it anew."""
        if self._reception is not None:
            self._assembler.restart()
        self._reception = Reception(first_number, self._clock_rate_hz)
        self._buffer.begin(first_number)
        self._next_report_s = now_s + REPORT_INTERVAL_S
