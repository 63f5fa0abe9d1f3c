"""One source of RTP: its receiver, and the stream at the server that its units go to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from facegauge_client import FrameEncoding
from facegauge_gateway.forward import MonitoredStream, PatientStream, StreamSettings
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_gateway.rtp_door.names import StreamName
from facegauge_gateway.rtp_door.udp_port import Endpoint
from facegauge_gateway.sources import ByteRate, FaultLog, coded_frame

__all__ = ["MakeMonitored", "RtpStream"]

MakeMonitored = Callable[[StreamSettings, Callable[[], None]], MonitoredStream]
"""Makes a stream at the server, of settings and of what to call when a keyframe is needed."""


class RtpStream:
    """Receives packets of one SSRC; the stream at the server begins with its first unit."""

    def __init__(
        self,
        ssrc: int,
        name: StreamName,
        source: Endpoint,
        receiver: StreamReceiver,
        rate: ByteRate,
        settings: StreamSettings,
        make_monitored: MakeMonitored,
        metrics: Metrics,
    ) -> None:
        self.ssrc = ssrc
        self.name = name
        self.source = source
        self.receiver = receiver
        self.rate = rate
        self.last_packet_s = 0.0
        self.log = Log(stream_id=name.stream_id, call_id=name.call_id, ssrc=ssrc)
        self._faults = FaultLog(receiver.statistics, self.log)
        self._settings = settings
        self._make_monitored = make_monitored
        self._metrics = metrics
        self._forward: PatientStream | None = None

    @property
    def is_proven(self) -> bool:
        """Whether its packets have shown a sequence, so that it is no stray datagram."""
        return self.receiver.next_poll_s is not None or self._forward is not None

    def receive(self, packet: RtpPacket, now_s: float) -> None:
        """Take a packet, and send on what it completes."""
        self.last_packet_s = now_s
        for unit in self.receiver.receive(packet, now_s):
            self._send(unit)

    def poll(self, now_s: float) -> bytes | None:
        """Send on what has waited long enough; returns the RTCP to send now, if any."""
        due_s = self.receiver.next_poll_s
        if due_s is None or due_s > now_s:
            return None
        for unit in self.receiver.poll(now_s):
            self._send(unit)
        self._faults.look(now_s)
        return self.receiver.feedback(now_s)

    async def close(self, why: str) -> None:
        """Finish the stream at the server; `why` is for the log, where a stray datagram leaves no line."""
        if self._forward is not None or self.receiver.statistics.reports:
            self._faults.end(why)
        if self._forward is not None:
            await self._forward.close()

    def _send(self, unit: AccessUnit) -> None:
        if self._forward is None:
            settings = replace(
                self._settings,
                stream_id=self.name.stream_id,
                call_id=self.name.call_id,
                encoding=FrameEncoding[unit.codec.name],
            )
            self._forward = PatientStream(
                lambda: self._make_monitored(settings, self.receiver.need_keyframe), self._metrics, self.log
            )
        self._forward.send(*coded_frame(unit))
