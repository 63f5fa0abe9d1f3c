"""Where RTCP of a port goes: to where the peer's own RTCP comes from, else to where its RTP comes from.

A media server sends sender reports, by which its RTCP is known (mediasoup, with or without a port of its own
for RTCP). Janus sends none: as it begins to forward, it sends two empty RTP packets from the socket on which
it waits for feedback, of SSRC 0, and so of no stream in particular. They belong to the stream that begins
next, and where a host has one stream on the port alone, the newest are its own.
"""

from __future__ import annotations

from collections import deque

from facegauge_gateway.rtp_door.udp_port import Source

__all__ = ["FeedbackRoutes", "is_latch"]

LATCH_BYTES = 12
MAX_UNCLAIMED = 64


def is_latch(data: bytes) -> bool:
    """Whether a datagram is Janus's empty packet: a bare RTP header of payload type 0 and SSRC 0."""
    return len(data) == LATCH_BYTES and data[:2] == b"\x80\x00" and data[8:] == bytes(4)


class FeedbackRoutes:
    """Routes of one port, by SSRC."""

    def __init__(self) -> None:
        self._reported: dict[int, Source] = {}
        self._latched: dict[int, Source] = {}
        self._unclaimed: deque[Source] = deque(maxlen=MAX_UNCLAIMED)
        self._streams: dict[int, str] = {}
        """Hosts of the streams, by SSRC."""

    def begin(self, ssrc: int, host: str) -> None:
        """Note a stream that begins; it claims the oldest empty packet of its host."""
        self._streams[ssrc] = host
        for source in self._unclaimed:
            if source[0] == host:
                self._unclaimed.remove(source)
                self._latched[ssrc] = source
                return

    def end(self, ssrc: int) -> None:
        """Forget a stream."""
        for routes in (self._reported, self._latched, self._streams):
            routes.pop(ssrc, None)

    def report(self, ssrc: int, source: Source) -> None:
        """Note where RTCP about a stream comes from."""
        self._reported[ssrc] = source

    def latch(self, source: Source) -> None:
        """Note an empty packet: it is of the host's only stream, or of the one that begins next."""
        of_host = [ssrc for ssrc, host in self._streams.items() if host == source[0]]
        if len(of_host) == 1:
            self._latched[of_host[0]] = source
        elif source not in self._unclaimed and source not in self._latched.values():
            self._unclaimed.append(source)

    def route(self, ssrc: int, rtp_source: Source) -> Source:
        """Return where feedback on a stream goes."""
        return self._reported.get(ssrc) or self._latched.get(ssrc) or rtp_source
