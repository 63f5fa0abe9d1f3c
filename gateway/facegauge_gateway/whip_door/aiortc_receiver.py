"""The seam to aiortc: it does ICE, DTLS and SRTP; packets leave it before its jitter buffer and its decoders.

That buffer keeps silent for seconds after a loss that no retransmission repairs, and then gives out pictures
without what they depend on. `facegauge_gateway.rtp` does neither.

Read against aiortc 1.16 (`gateway/pyproject.toml` holds it there). What is used beneath its documented
interface:

- an RTCRtpTransceiver's receiver, which is replaced before the connection begins (`RECEIVER`), and `_codecs`,
  the payload types that an answer names;
- what RTCDtlsTransport offers a receiver (`TRANSPORT_METHODS`), and what it calls on one: its protocol
  `RtpReceiver`, by which mypy holds PacketReceiver.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol

from aiortc import RTCRtpReceiver, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpReceiver
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtp import AnyRtcpPacket, RtpPacket

__all__ = ["Media", "PacketReceiver", "discard_packets", "take_packets"]

RECEIVER = "_RTCRtpTransceiver__receiver"
TRANSPORT_METHODS = ("_register_rtp_receiver", "_unregister_rtp_receiver", "_send_rtp")
OTHER_AIORTC = "aiortc is not what this module was read against: install aiortc 1.16 (missing: {})"

for _method in TRANSPORT_METHODS:
    if not hasattr(RTCDtlsTransport, _method):
        raise ImportError(OTHER_AIORTC.format(_method))


class Media(Protocol):
    """What takes the packets of one track. Nothing of it raises."""

    def take_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Take a packet of RTP, decrypted."""

    def take_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take a sender report or a goodbye of a source."""

    def take_feedback(self) -> list[bytes]:
        """Return the RTCP to send now."""


class PacketReceiver(RTCRtpReceiver):
    """A receiver that hands packets on, or reads them away; it starts no thread and decodes nothing."""

    def __init__(self, replaced: RTCRtpReceiver, kind: str, media: Media | None) -> None:
        """Stand in for a receiver that has not begun; without `media`, packets are read away."""
        super().__init__(kind, replaced.transport)
        self._track = replaced._track  # noqa: SLF001 - as aiortc's peer connection sets it
        self._media = media
        self._is_registered = False

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        """Begin; aiortc calls this each time that it looks at the connection."""
        if not self._is_registered:
            self._is_registered = True
            self.transport._register_rtp_receiver(_checked(self), parameters)  # noqa: SLF001 - the seam

    async def stop(self) -> None:
        """Take nothing more."""
        self.transport._unregister_rtp_receiver(_checked(self))  # noqa: SLF001 - the seam

    async def send_feedback(self) -> None:
        """Send what RTCP is due."""
        for compound in [] if self._media is None else self._media.take_feedback():
            with contextlib.suppress(ConnectionError):  # the connection's own state tells of its end
                await self.transport._send_rtp(compound)  # noqa: SLF001 - the seam

    def _handle_disconnect(self) -> None:
        """Leave it to the connection's state."""

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if self._media is not None:
            self._media.take_rtcp(packet)

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if self._media is not None:
            self._media.take_packet(packet, arrival_time_ms)
            await self.send_feedback()


def take_packets(
    transceiver: RTCRtpTransceiver, codecs: Sequence[RTCRtpCodecParameters], media: Media
) -> PacketReceiver:
    """Answer with these codecs, and let the packets go to `media`.

    It is time for this once the remote description is set, and until the local one is.
    """
    transceiver._codecs = list(codecs)  # noqa: SLF001 - aiortc's own choice is of what it decodes
    return _replace_receiver(transceiver, media)


def discard_packets(transceiver: RTCRtpTransceiver) -> None:
    """Read away what nobody wants: the answer cannot decline it, since RFC 9725 asks for `recvonly`."""
    _replace_receiver(transceiver, None)


def _replace_receiver(transceiver: RTCRtpTransceiver, media: Media | None) -> PacketReceiver:
    if getattr(transceiver, RECEIVER, None) is not transceiver.receiver:
        raise RuntimeError(OTHER_AIORTC.format(RECEIVER))
    ours = PacketReceiver(transceiver.receiver, transceiver.kind, media)
    setattr(transceiver, RECEIVER, ours)
    return ours


def _checked(receiver: PacketReceiver) -> RtpReceiver:
    """Let mypy compare the receiver with what aiortc's transport calls."""
    return receiver
