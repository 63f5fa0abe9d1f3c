"""What the RTP door is told by its flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facegauge_gateway.address import Address, Network
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.packet import TAKEN_BY_RTCP
from facegauge_gateway.rtp.receiver import MAX_UNIT_BYTES
from facegauge_gateway.rtp_door.names import Names

__all__ = ["Listen", "RtpSettings"]

MAX_PORTS = 1024


@dataclass(frozen=True, slots=True)
class Listen:
    """A port for RTP, with one of its own for RTCP or the same for both (RFC 5761)."""

    rtp: Address
    rtcp: Address | None = None

    @classmethod
    def parse(cls, text: str) -> list[Listen]:
        """Read `HOST:PORT`, `HOST:PORT/RTCP_PORT` or a range `HOST:FIRST-LAST`; raises BadConfiguration."""
        whole, slash, rtcp = text.partition("/")
        first, dash, last = whole.rpartition(":")[2].partition("-")
        if not dash:
            address = Address.parse(whole, "--listen")
            if not slash:
                return [cls(address)]
            return [cls(address, Address.parse(f"{whole.rpartition(':')[0]}:{rtcp}", "--listen"))]
        host = whole.rpartition(":")[0]
        ends = [Address.parse(f"{host}:{port}", "--listen") for port in (first, last)]
        ports = range(ends[0].port, ends[1].port + 1)
        if slash or not 0 < len(ports) <= MAX_PORTS or not ports[0]:
            raise BadConfiguration(
                f"--listen wants HOST:FIRST-LAST with at most {MAX_PORTS} ports, each for RTP and RTCP, not"
                f" {text!r}"
            )
        return [cls(ends[0].with_port(port)) for port in ports]


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpSettings:
    """Ports, codecs, names and limits."""

    listen: tuple[Listen, ...]
    codecs: Mapping[int, Codec]
    """By payload type."""
    names: Names
    stream: StreamSettings
    """Of every stream, with an empty id."""
    allowed: tuple[Network, ...] = ()
    insecure: bool = False
    max_streams: int = 64
    max_stream_bytes_per_s: float = 20e6 / 8
    max_unit_bytes: int = MAX_UNIT_BYTES
    reorder_s: float = 0.1
    pli_interval_s: float = 1.0
    idle_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.codecs:
            raise BadConfiguration(
                "no payload type has a codec: give --payload, such as --payload 96=vp8, or --sdp FILE"
            )
        for kind in TAKEN_BY_RTCP:
            if kind in self.codecs:
                raise BadConfiguration(
                    f"payload type {kind} cannot be told from RTCP (RFC 5761, 4): have the media server send"
                    " one from 96 to 127"
                )
        for address in (address for one in self.listen for address in (one.rtp, one.rtcp) if address):
            if not (address.is_loopback or self.allowed or self.insecure):
                raise BadConfiguration(
                    f"--listen {address} would take RTP from anyone: give --allow-from with the network of"
                    " the media servers, or --insecure where something else guards it"
                )
