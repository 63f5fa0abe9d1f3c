"""PyAV packets in, units of coded video out: as a container holds them, as the interface wants them.

MP4 and Matroska keep H.264's parameter sets apart and lengths before its NAL units; the interface wants start
codes and parameter sets in band. FFmpeg's bitstream filters turn one into the other without decoding.
"""

from __future__ import annotations

from typing import Any

import av

from facegauge_client.sdk.frames import EncodedFrame, VideoPacket
from facegauge_client.sdk.types import FrameEncoding

__all__ = ["PacketReader", "capture_time_of", "encoding_of"]

_ENCODINGS = {
    "h264": FrameEncoding.H264,
    "vp8": FrameEncoding.VP8,
    "vp9": FrameEncoding.VP9,
    "av1": FrameEncoding.AV1,
    "libdav1d": FrameEncoding.AV1,
}
_FILTERS = {FrameEncoding.H264: "h264_mp4toannexb", FrameEncoding.VP9: "vp9_superframe"}


def encoding_of(stream: Any) -> FrameEncoding:
    """Return the encoding of a container's stream of video; ValueError for one that the interface lacks."""
    name = stream.codec_context.name
    encoding = _ENCODINGS.get(name)
    if encoding is None:
        known = ", ".join(one.name for one in FrameEncoding if one.is_coded)
        raise ValueError(f"{name} video cannot be sent as it is ({known} can): send its pictures")
    return encoding


def capture_time_of(packet: VideoPacket) -> float | None:
    """Return when a packet's picture is shown, seconds; None where the packet does not say."""
    if packet.pts is None or packet.time_base is None:
        return None
    return float(packet.pts * packet.time_base)


class PacketReader:
    """Turns the packets of one stream, in their order, into units."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._filter: Any = None

    def read(self, packet: VideoPacket) -> EncodedFrame:
        """Return a packet as a unit; ValueError for one that is empty, or of no container."""
        stream = packet.stream
        if stream is None:
            raise ValueError(
                "this av.Packet is of no container, so nobody knows its encoding: send"
                " EncodedFrame(FrameEncoding.H264, bytes(packet)), or whatever it is"
            )
        if not packet.size:
            raise ValueError("this av.Packet is empty, as the last one of a container is: it is no frame")
        encoding = encoding_of(stream)
        if stream is not self._stream:
            name = _FILTERS.get(encoding)
            self._filter = None if name is None else av.BitStreamFilterContext(name, stream)
            self._stream = stream
        is_keyframe = packet.is_keyframe
        packets = [packet] if self._filter is None else self._filter.filter(packet)
        data = b"".join(map(bytes, packets))
        if not data:
            raise ValueError("this av.Packet holds no picture of its own; the next one brings it along")
        return EncodedFrame(encoding, data, keyframe=is_keyframe)
