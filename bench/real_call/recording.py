"""A path's record, put together and decoded as the receiver does it: what the viewer of a call got to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av

from bench.real_call.lossy_path import Passed
from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ, Codec
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.receiver import StreamReceiver

__all__ = ["decode", "rtp_timestamp"]

DECODERS = {Codec.H264: "h264", Codec.VP8: "vp8", Codec.VP9: "vp9", Codec.AV1: "libdav1d"}


def decode(record: Iterable[Passed], codec: str) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield the pictures of packets that all arrived, each with its RTP timestamp of 32 bits."""
    known = Codec[codec.upper()]
    receiver: StreamReceiver | None = None
    decoder = av.CodecContext.create(DECODERS[known], "r")
    assert isinstance(decoder, av.VideoCodecContext)  # noqa: S101 - narrows: all of them are
    for passed in record:
        packet = RtpPacket.parse(passed.data)
        if receiver is None:
            receiver = StreamReceiver({packet.payload_type: known})
        for unit in receiver.receive(packet, passed.time_s):
            coded = av.Packet(unit.data)
            coded.pts = coded.dts = unit.timestamp
            yield from _stamped(decoder.decode(coded))
    yield from _stamped(decoder.decode(None))


def _stamped(frames: Iterable[av.VideoFrame]) -> Iterator[tuple[int, av.VideoFrame]]:
    for frame in frames:
        if frame.pts is None:
            raise RuntimeError("FFmpeg has lost the timestamp of a picture")
        yield frame.pts & 0xFFFFFFFF, frame


def rtp_timestamp(capture_time_s: float) -> int:
    """Return the RTP timestamp, 32 bits, of an assessment's capture time."""
    return round(capture_time_s * CLOCK_RATE_HZ) & 0xFFFFFFFF
