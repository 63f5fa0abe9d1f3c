"""The streams of one port: datagrams are told apart, and go to the stream of their SSRC."""

from __future__ import annotations

import struct
from collections.abc import Callable

from facegauge_gateway.address import AllowedSources
from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.packet import RtpPacket, is_rtcp
from facegauge_gateway.rtp.rtcp import read_rtcp
from facegauge_gateway.rtp_door.feedback_route import FeedbackRoutes, is_latch
from facegauge_gateway.rtp_door.rtp_stream import RtpStream
from facegauge_gateway.rtp_door.settings import RtpSettings
from facegauge_gateway.rtp_door.stream_table import SILENCE_S, StreamTable
from facegauge_gateway.rtp_door.udp_port import Endpoint, address_of
from facegauge_gateway.sources import Refusals

__all__ = ["PortStreams"]

RTCP_SENDER = struct.Struct("!I")
RTCP_SENDER_AT = 4
"""Where the SSRC stands of whoever sends the first packet of a compound, or of whom a goodbye is about."""


class PortStreams:
    """Streams by SSRC, of one port for RTP and one for RTCP, or one for both."""

    def __init__(
        self, table: StreamTable, settings: RtpSettings, allowed: AllowedSources, refusals: Refusals
    ) -> None:
        self._table = table
        self._settings = settings
        self._allowed = allowed
        self._refuse = refusals.refuse
        self._routes = FeedbackRoutes()
        self._streams: dict[int, RtpStream] = {}
        self._send: Callable[[bytes, Endpoint], None] = lambda _data, _destination: None
        self.number = 0

    def begin(self, number: int, send: Callable[[bytes, Endpoint], None]) -> None:
        """Note the port of RTP, and how RTCP is sent; comes before the first datagram."""
        self.number = number
        self._send = send

    @property
    def sources(self) -> tuple[int, ...]:
        """SSRCs of the streams that are there."""
        return tuple(self._streams)

    def take(self, data: bytes, source: Endpoint, now_s: float) -> None:
        """Take a datagram of either port; never raises, so that others behind it are read."""
        try:
            self._take(data, source, now_s)
        except Exception as error:  # noqa: BLE001 - a defect costs the datagram that shows it
            self._refuse("defect", f"{type(error).__name__}: {error}: report this", now_s)

    def _take(self, data: bytes, source: Endpoint, now_s: float) -> None:
        if not self._allowed.allow(source[0]):
            self._refuse(
                "source",
                f"{source[0]} is in no network of --allow-from: add its network, or have it stop",
                now_s,
            )
        elif is_rtcp(data):
            self._take_rtcp(data, source, now_s)
        elif is_latch(data):
            self._routes.latch(source, now_s)
        else:
            self._take_rtp(data, source, now_s)

    def poll(self, now_s: float) -> None:
        """Let streams give out what has waited, send RTCP, and end those that are silent or gone."""
        for stream in list(self._streams.values()):
            try:
                self._feed_back(stream, now_s)
            except Exception as error:  # noqa: BLE001 - a defect on one stream stops no other
                stream.log.defect("a defect of the gateway ends a source", error)
                self.drop(stream, "defect")
                continue
            silent_s = now_s - stream.last_packet_s
            if stream.receiver.has_ended:
                self.drop(stream, "goodbye")
            elif silent_s > self._settings.idle_timeout_s:
                self.drop(stream, "silence")

    def _feed_back(self, stream: RtpStream, now_s: float) -> None:
        """Send the RTCP that is due, the way that is known or most likely."""
        counted = stream.receiver.statistics
        if not counted.plis_unanswered:
            self._routes.answer(stream.ssrc)
        plis = counted.plis
        feedback = stream.poll(now_s)
        if counted.plis > plis:
            self._routes.ask(stream.ssrc, was_in_vain=counted.plis_unanswered > 1)
        if feedback is not None:
            self._send(feedback, self._routes.route(stream.ssrc, stream.source))

    def drop_all(self) -> None:
        """End all streams."""
        for stream in list(self._streams.values()):
            self.drop(stream, "drained")

    def _take_rtp(self, data: bytes, source: Endpoint, now_s: float) -> None:
        try:
            packet = RtpPacket.parse(data)
        except BadPacket as error:
            self._refuse(error.reason, f"from {source[0]}: {error}", now_s)
            return
        stream = self._streams.get(packet.ssrc) or self._begin(packet, source, now_s)
        if stream is None:
            return
        if source != stream.source and not self._move(stream, source, now_s):
            return
        if not stream.rate.allow(len(data), now_s):
            self._refuse(
                "bitrate",
                f"stream {stream.name.stream_id} is over --max-stream-mbps: raise it, or have a lower layer"
                " forwarded",
                now_s,
            )
            return
        stream.receive(packet, now_s)

    def _begin(self, packet: RtpPacket, source: Endpoint, now_s: float) -> RtpStream | None:
        kind = packet.payload_type
        if kind not in self._settings.codecs:
            self._refuse(
                "unknown_payload_type",
                f"payload type {kind} of {source[0]} has no codec: give --payload {kind}=CODEC or --sdp",
                now_s,
            )
            return None
        stream = self._table.begin(self, packet.ssrc, source, now_s)
        if stream is not None:
            self._streams[packet.ssrc] = stream
            self._routes.begin(packet.ssrc, source[0], now_s)
        return stream

    def _move(self, stream: RtpStream, source: Endpoint, now_s: float) -> bool:
        """Whether a stream now comes from another address: one that sends beside it does not get in."""
        if now_s - stream.last_packet_s < SILENCE_S:
            self._refuse(
                "other_source",
                f"SSRC {stream.ssrc} comes from {address_of(stream.source)} and from {address_of(source)}:"
                " have one of them stop, or send another SSRC",
                now_s,
            )
            return False
        stream.log.info("source moved", source=address_of(source))
        stream.source = source
        self._routes.begin(stream.ssrc, source[0], now_s)
        return True

    def drop(self, stream: RtpStream, why: str) -> None:
        """End one of the streams; `why` is for the log."""
        del self._streams[stream.ssrc]
        self._routes.end(stream.ssrc)
        self._table.end(stream, why)

    def _take_rtcp(self, data: bytes, source: Endpoint, now_s: float) -> None:
        """Give a compound to each stream of its sender that it is about: one may report on several."""
        try:
            ssrcs = {int(RTCP_SENDER.unpack_from(data, RTCP_SENDER_AT)[0])}
            ssrcs |= {item.ssrc for item in read_rtcp(data)}
            for stream in (self._streams[ssrc] for ssrc in ssrcs & self._streams.keys()):
                if stream.source[0] == source[0]:
                    self._routes.report(stream.ssrc, source)
                    stream.receiver.sender_report(data, now_s)
        except struct.error:
            self._refuse("rtcp", f"{len(data)} bytes of {source[0]} are no RTCP", now_s)
        except BadPacket as error:
            self._refuse(error.reason, f"from {source[0]}: {error}", now_s)
