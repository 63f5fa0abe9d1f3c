"""Where RTCP of a port goes: to where the peer's own RTCP comes from, else to where its RTP comes from.

A media server sends sender reports, which name the stream, and by them its RTCP is known (mediasoup, with or
without a port of its own for RTCP). Janus sends none. As a forward begins, it sends two empty RTP packets of
SSRC 0 from the socket on which it waits for feedback on that forward alone, whatever the feedback names. So
the order has to tell whose socket it is: that of the stream that begins next. Where several begin at the same
moment that is a guess. It is held to be right once a keyframe has come to a request while nobody else of the
host had asked for one; and after a request in vain the stream tries another socket of its host that is not
known to be somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_gateway.rtp_door.udp_port import Endpoint

__all__ = ["FeedbackRoutes", "is_latch"]

LATCH_BYTES = 12
FRESH_S = 2.0
"""How long after its empty packets a forward's first packet comes at the latest, unless its sender is off."""
MAX_FREE = 64
"""Sockets of no stream that are remembered."""


def is_latch(data: bytes) -> bool:
    """Whether a datagram is Janus's empty packet: a bare RTP header of payload type 0 and SSRC 0."""
    return len(data) == LATCH_BYTES and data[:2] == b"\x80\x00" and data[8:] == bytes(4)


@dataclass(slots=True)
class _Socket:
    """A socket of a media server that waits for feedback on one stream."""

    source: Endpoint
    latched_s: float
    ssrc: int | None = None
    """Stream that it is taken to be of."""
    is_known: bool = False
    """Whether that is more than a guess."""


class FeedbackRoutes:
    """Routes of one port, by SSRC."""

    def __init__(self) -> None:
        self._hosts: dict[int, str] = {}
        """Hosts of the streams, by SSRC."""
        self._reported: dict[int, Endpoint] = {}
        self._sockets: dict[Endpoint, _Socket] = {}
        """In the order of their first empty packets."""
        self._asking: dict[int, bool] = {}
        """Streams whose last request has brought no keyframe yet: whether it was the only one of the host."""

    def begin(self, ssrc: int, host: str, now_s: float) -> None:
        """Note a stream that begins, or goes on from elsewhere; it claims a socket of its host, if it can."""
        if self._hosts.get(ssrc, host) != host:
            self.end(ssrc)
        self._hosts[ssrc] = host
        own = self._socket(ssrc)
        guesses = [socket for socket in self._of_host(host) if not socket.is_known]
        fresh = [socket for socket in guesses if now_s - socket.latched_s <= FRESH_S]
        free = [socket for socket in fresh if socket.ssrc is None]
        stale = [socket for socket in guesses if socket.ssrc is None]
        claimed = free[0] if free else stale[-1] if stale and own is None else None
        if claimed is not None:
            self._release(own)
            claimed.ssrc, claimed.is_known = ssrc, fresh == [claimed]

    def end(self, ssrc: int) -> None:
        """Forget a stream, and its socket where it is known to be its own."""
        self._release(self._socket(ssrc))
        self._hosts.pop(ssrc, None)
        self._reported.pop(ssrc, None)
        self._asking.pop(ssrc, None)

    def report(self, ssrc: int, source: Endpoint) -> None:
        """Note where RTCP about a stream comes from: no socket is its own."""
        self._reported[ssrc] = source
        socket = self._socket(ssrc)
        if socket is not None:
            socket.ssrc, socket.is_known = None, False

    def latch(self, source: Endpoint, now_s: float) -> None:
        """Note an empty packet, of a stream that begins or begins again."""
        socket = self._sockets.get(source)
        if socket is not None:
            socket.latched_s = now_s
            return
        free = [one for one in self._sockets.values() if one.ssrc is None]
        if len(free) >= MAX_FREE:
            del self._sockets[free[0].source]
        self._sockets[source] = _Socket(source, now_s)

    def ask(self, ssrc: int, *, was_in_vain: bool) -> None:
        """Note a request for a keyframe that goes out next: another way, where the last was in vain."""
        if was_in_vain:
            self._try_another(ssrc)
        host = self._hosts[ssrc]
        beside = [other for other in self._asking if other != ssrc and self._hosts[other] == host]
        self._asking |= dict.fromkeys(beside, False)
        self._asking[ssrc] = not beside

    def answer(self, ssrc: int) -> None:
        """Note that a keyframe has come, which proves the way of the request if it was the only one."""
        if not self._asking.pop(ssrc, False):
            return
        socket = self._socket(ssrc)
        if socket is not None:
            socket.is_known = True

    def route(self, ssrc: int, rtp_source: Endpoint) -> Endpoint:
        """Return where feedback on a stream goes."""
        socket = self._socket(ssrc)
        return self._reported.get(ssrc) or (rtp_source if socket is None else socket.source)

    def _try_another(self, ssrc: int) -> None:
        """Trade the stream's socket for the one before it that may be its own, the first for the last."""
        own = self._socket(ssrc)
        if own is not None:
            own.is_known = False
        guesses = [socket for socket in self._of_host(self._hosts[ssrc]) if not socket.is_known]
        if not guesses or ssrc in self._reported:
            return
        other = guesses[guesses.index(own) - 1 if own is not None else -1]
        if own is not None:
            own.ssrc = other.ssrc
        other.ssrc = ssrc

    def _release(self, socket: _Socket | None) -> None:
        """Free a stream's socket; one that was known to be the stream's is of no use to others."""
        if socket is None:
            return
        socket.ssrc = None
        if socket.is_known:
            del self._sockets[socket.source]

    def _socket(self, ssrc: int) -> _Socket | None:
        return next((socket for socket in self._sockets.values() if socket.ssrc == ssrc), None)

    def _of_host(self, host: str) -> list[_Socket]:
        return [socket for socket in self._sockets.values() if socket.source[0] == host]
