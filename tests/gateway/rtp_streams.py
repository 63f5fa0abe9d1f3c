"""RTP of real video for the gateway's tests: sent by FFmpeg's muxer, by aiortc, or in layers."""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from aiortc.codecs import get_encoder
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket as AiortcPacket
from skimage import data as pictures

from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.packet import RtpPacket, is_rtcp
from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_server.types import Encoding
from tests.coded_video import L1T3_LAYERS, encode_units, encode_vp8_layers, moving

__all__ = [
    "CODECS",
    "INTERVAL_S",
    "PAYLOAD_TYPE",
    "SSRC",
    "STEP",
    "by_aiortc",
    "by_ffmpeg",
    "coded",
    "decode",
    "feed",
    "in_vp8_layers",
    "packet",
    "serialise",
]

Pixels = npt.NDArray[np.uint8]

SSRC, PAYLOAD_TYPE = 0xFACE, 96
CODECS = {PAYLOAD_TYPE + number: codec for number, codec in enumerate(Codec)}
INTERVAL_S, STEP = 1 / 30, 3000
"""Between two units, and in ticks of 90 kHz."""
_PACKET_BYTES = 600
_DECODERS = {Codec.H264: "h264", Codec.VP8: "vp8", Codec.VP9: "vp9", Codec.AV1: "libdav1d"}


@functools.cache
def coded(
    codec: Codec, count: int = 24, width: int = 320, height: int = 240, keyframe_interval: int = 1000
) -> tuple[bytes, ...]:
    """Access units of a moving portrait, the first a keyframe."""
    clip = moving(pictures.astronaut(), count, width, height)
    return tuple(encode_units(Encoding[codec.name], clip, keyframe_interval=keyframe_interval))


def by_ffmpeg(codec: Codec, units: Iterable[bytes], first_sequence: int = 65_500) -> list[RtpPacket]:
    """Send units by FFmpeg's RTP muxer, which writes one datagram at a time."""
    sink = _Datagrams()
    options = {
        "packetsize": str(_PACKET_BYTES),
        "payload_type": str(_payload_type(codec)),
        "ssrc": str(SSRC),
        "seq": str(first_sequence),
        "strict": "experimental",
    }
    with av.open(sink, "w", format="rtp", options=options) as container:
        stream = container.add_mux_stream(codec.lower(), rate=30, width=320, height=240)
        for number, unit in enumerate(units):
            one = av.Packet(unit)
            one.stream = stream
            one.time_base = Fraction(1, 30)
            one.pts = one.dts = number
            one.is_keyframe = True  # the muxer of AV1 looks itself, if it is told so
            container.mux(one)
    return [RtpPacket.parse(datagram) for datagram in sink.datagrams if not is_rtcp(datagram)]


class _Datagrams(io.RawIOBase):
    """A file of which each write is a datagram."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.datagrams.append(bytes(data))
        return len(data)


def by_aiortc(codec: Codec, units: Iterable[bytes], first_sequence: int = 65_500) -> list[RtpPacket]:
    """Send units the way that aiortc sends what was encoded before."""
    sender: Any = get_encoder(RTCRtpCodecParameters(mimeType=f"video/{codec}", clockRate=90_000))
    payloads: list[list[bytes]] = []
    for number, unit in enumerate(units):
        one = av.Packet(unit)
        one.pts, one.time_base = number, Fraction(1, 30)
        payloads.append(sender.pack(one)[0])
    return from_payloads(codec, payloads, first_sequence)


def in_vp8_layers(count: int = 32) -> tuple[list[RtpPacket], list[int]]:
    """Send VP8 L1T3 with picture IDs and layers; returns the layer of each unit as well.

    Y (layer sync) is said of those units that are decoded right after the base layer alone.
    """
    units = encode_vp8_layers(moving(pictures.astronaut(), count, 320, 240))
    layers = [L1T3_LAYERS[number % 4] for number in range(count)]
    whole = decode(Codec.VP8, units)
    payloads: list[list[bytes]] = []
    base: list[bytes] = []
    for number, (unit, layer) in enumerate(zip(units, layers, strict=True)):
        needs_base_alone = layer > 0 and np.array_equal(decode(Codec.VP8, [*base, unit])[-1], whole[number])
        if layer == 0:
            base.append(unit)
        descriptor = VpxPayloadDescriptor(
            partition_start=1,
            partition_id=0,
            picture_id=(number + 32_760) & 0x7FFF,
            tl0picidx=(len(base) + 250) & 0xFF,
            tid=(layer, int(needs_base_alone)),
        )
        packets: list[bytes] = []
        for at in range(0, len(unit), _PACKET_BYTES):
            packets.append(bytes(descriptor) + unit[at : at + _PACKET_BYTES])
            descriptor.partition_start = 0
        payloads.append(packets)
    return from_payloads(Codec.VP8, payloads), layers


def from_payloads(
    codec: Codec, units: Sequence[Sequence[bytes]], first_sequence: int = 65_500
) -> list[RtpPacket]:
    """Put headers before the payloads of units; the timestamp wraps around soon."""
    sent: list[RtpPacket] = []
    for number, payloads in enumerate(units):
        for index, payload in enumerate(payloads):
            sent.append(
                RtpPacket(
                    payload_type=_payload_type(codec),
                    sequence=(first_sequence + len(sent)) & 0xFFFF,
                    timestamp=(2**32 - 5 * STEP + number * STEP) & 0xFFFFFFFF,
                    ssrc=SSRC,
                    marker=index == len(payloads) - 1,
                    payload=payload,
                )
            )
    return sent


def packet(sequence: int, timestamp: int = 0, **changes: Any) -> RtpPacket:
    """A VP8 frame of one packet, inter-coded, unless changed."""
    vp8 = next(number for number, codec in CODECS.items() if codec is Codec.VP8)
    one = RtpPacket(vp8, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, SSRC, True, b"\x10\x01\x00\x00")
    return dataclasses.replace(one, **changes)


def serialise(one: RtpPacket) -> bytes:
    """Write a packet by aiortc's class."""
    other = AiortcPacket(
        one.payload_type, int(one.marker), one.sequence, one.timestamp, one.ssrc, one.payload
    )
    return other.serialize()


def feed(receiver: StreamReceiver, packets: Iterable[RtpPacket], start_s: float = 0.0) -> list[AccessUnit]:
    """Receive packets, each timestamp's together and 1/30 s after the one before; then wait."""
    units: list[AccessUnit] = []
    now_s, last = start_s, None
    for one in packets:
        now_s += INTERVAL_S * (last is not None and one.timestamp != last)
        last = one.timestamp
        units += receiver.receive(one, now_s)
    return units + receiver.poll(now_s + 1)


def decode(codec: Codec, units: Iterable[bytes]) -> list[Pixels]:
    """Decode by FFmpeg; one picture for each unit, luma and chroma."""
    decoder = av.CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    if codec is Codec.AV1:
        decoder.options = {"max_frame_delay": "1"}
    if codec is Codec.H264:
        decoder.flags |= av.codec.context.Flags.low_delay.value
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit))]
    frames += decoder.decode(None)
    return [np.asarray(frame.to_ndarray(format="yuv420p"), dtype=np.uint8) for frame in frames]


def _payload_type(codec: Codec) -> int:
    return next(number for number, other in CODECS.items() if other is codec)
