"""A publisher's camera: packets in as aiortc hands them over, whole units and feedback out. No I/O."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, pack_remb_fci, unwrap_rtx
from aiortc.rtp import RtpPacket as AiortcPacket

from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_gateway.rtp.statistics import Statistics
from facegauge_gateway.sources import ByteRate
from facegauge_gateway.whip_door.video_codecs import VideoCodecs

__all__ = ["Camera", "CameraLimits"]

REORDER_S = 0.1
MAX_REPAIR_S = 0.5
"""Longest wait for a packet that is asked for again; then a keyframe is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLimits:
    """What a camera may send, and may be asked for."""

    max_bytes_per_s: float = 20e6 / 8
    pli_interval_s: float = 1.0


class Camera:
    """Takes the packets of one source, the first that comes, and their retransmissions.

    `refuse` counts and explains what is not taken. Times are of one clock that does not go back.
    """

    def __init__(
        self,
        codecs: VideoCodecs,
        limits: CameraLimits,
        refuse: Callable[[str, str, float], None],
        now_s: float,
    ) -> None:
        self.ssrc: int | None = None
        self.has_unit = False
        """Whether a whole picture has come."""
        self.last_packet_s = now_s
        """Arrival of the newest packet; before the first, the beginning."""
        self._codecs = codecs
        self._own_ssrc = secrets.randbits(32)
        self._refuse = refuse
        self._rate = ByteRate(limits.max_bytes_per_s, now_s)
        self._bitrate = RemoteBitrateEstimator()
        self._estimate: bytes | None = None
        self._receiver = StreamReceiver(
            codecs.by_payload_type,
            reorder_s=REORDER_S,
            max_repair_s=MAX_REPAIR_S if codecs.can_retransmit else None,
            pli_interval_s=limits.pli_interval_s,
            own_ssrc=self._own_ssrc,
        )

    @property
    def statistics(self) -> Statistics:
        """Counts of the source."""
        return self._receiver.statistics

    def receive(self, packet: AiortcPacket, arrival_time_ms: int, now_s: float) -> list[AccessUnit]:
        """Take a packet that has arrived; returns the units that it completes, often none."""
        size = len(packet.payload) + packet.padding_size
        repeats = self._codecs.repeats.get(packet.payload_type)
        if repeats is not None:
            if self.ssrc is None or len(packet.payload) < 2:  # nothing to repeat yet, or padding
                return []
            packet = unwrap_rtx(packet, payload_type=repeats, ssrc=self.ssrc)
        elif self.ssrc is None and packet.payload_type in self._codecs.by_payload_type:
            self.ssrc = packet.ssrc
        elif packet.ssrc != self.ssrc:
            self._refuse("other_source", f"SSRC {packet.ssrc} beside the camera's, {self.ssrc}", now_s)
            return []
        if not self._rate.allow(size, now_s):
            self._refuse("bitrate", f"the camera of SSRC {self.ssrc} is over --max-stream-mbps", now_s)
            return []
        self.last_packet_s = now_s
        self._estimate_bitrate(packet, size, arrival_time_ms)
        ours = RtpPacket(
            payload_type=packet.payload_type,
            sequence=packet.sequence_number,
            timestamp=packet.timestamp,
            ssrc=packet.ssrc,
            marker=bool(packet.marker),
            payload=packet.payload,
        )
        units = self._receiver.receive(ours, now_s, is_retransmission=repeats is not None)
        self.has_unit = self.has_unit or bool(units)
        return units

    def poll(self, now_s: float) -> list[AccessUnit]:
        """Give out what has waited long enough."""
        units = self._receiver.poll(now_s)
        self.has_unit = self.has_unit or bool(units)
        return units

    def need_keyframe(self) -> None:
        """Take note that the server needs a keyframe: it is asked for within the limit."""
        self._receiver.need_keyframe()

    def sender_report(self, data: bytes, now_s: float) -> None:
        """Take RTCP of the source; raises BadPacket."""
        self._receiver.sender_report(data, now_s)

    def feedback(self, now_s: float) -> list[bytes]:
        """Return the RTCP to send now."""
        compound = self._receiver.feedback(now_s)
        estimate, self._estimate = self._estimate, None
        return [one for one in (compound, estimate) if one is not None]

    def _estimate_bitrate(self, packet: AiortcPacket, size: int, arrival_time_ms: int) -> None:
        """Follow what the path carries, for publishers that adapt to what a receiver estimates (REMB)."""
        sent = packet.extensions.abs_send_time
        if sent is None:
            return
        estimate = self._bitrate.add(arrival_time_ms, sent, size, packet.ssrc)
        if estimate is not None:
            fci = pack_remb_fci(*estimate)
            self._estimate = bytes(RtcpPsfbPacket(RTCP_PSFB_APP, self._own_ssrc, 0, fci))
