"""Send a clip through a real video codec and back, in memory, with the encoders that FFmpeg brings in PyAV.

The settings are those of a call: one pass, no look-ahead, the fast presets; x264 may also work as for a
recording, looking ahead and with B frames. Packets can be lost on the way:
x264 then cuts every frame into slices of at most `SLICE_BYTES`, one a packet as RTP sends them, some of which
the decoder never gets and conceals. The other codecs send a frame as a whole; losing one freezes the picture,
which is a defect in time that no single frame shows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.common.errors import RecipeError

if TYPE_CHECKING:
    import av

SLICE_BYTES = 400
"""Under what RTP allows (some 1,200), so that a frame of a quiet face is more than one packet:
a frame lost as a whole would only freeze the picture."""
START_CODE = re.compile(rb"\x00\x00\x00?\x01")
"""Before every NAL unit of H.264 in Annex B's form."""
PLAIN_SLICE = 1
"""Type of the NAL units that may be lost; those of the first frame (5) would be sent again."""

__all__ = ["CODECS", "decode", "encode", "nal_units", "tamed_svt_av1", "transcode"]

CODECS: dict[str, tuple[str, int, int]] = {
    "x264": ("libx264", 18, 51),
    "vp8": ("libvpx", 8, 63),
    "vp9": ("libvpx-vp9", 12, 63),
    "av1": ("libsvtav1", 20, 63),
}
"""Name -> (FFmpeg's encoder, best and worst quality number that is of interest)."""


def transcode(
    frames: list[Pixels],
    codec: str,
    quality: int,
    loss: float = 0.0,
    rng: np.random.Generator | None = None,
    recording: bool = False,
) -> list[Pixels]:
    """Encode, send and decode a clip.

    Args:
        frames: RGB, uint8, (height, width, 3), even sides.
        codec: one of `CODECS`.
        quality: CRF of x264 and AV1, quantiser of VP8 and VP9; higher is worse.
        loss: share of the packets after the first frame that do not arrive; x264 alone.
        rng: draws which.
        recording: code as for a file rather than for a call; x264 alone.

    Returns:
        As many frames, as the receiver's decoder gives them.

    Raises:
        RecipeError: this PyAV lacks the encoder, or it gave back another number of frames.
    """
    options = _options(codec, quality, recording)
    if loss:
        options |= {"x264-params": f"slice-max-size={SLICE_BYTES}"}
    # VP8 and VP9 need a rate, which is never the limit: the quantiser is fixed.
    bits_per_s = 20_000_000 if codec in ("vp8", "vp9") else 0
    packets, extradata = encode(frames, codec, options, bits_per_s)
    if loss:
        if codec != "x264" or rng is None:
            raise ValueError("packets can be lost with x264 alone, and need a generator to draw which")
        packets = [_lossy(packet, loss, rng) for packet in packets]
    decoded = decode(packets, codec, extradata)
    if len(decoded) != len(frames):
        raise RecipeError(f"{CODECS[codec][0]} gave {len(decoded)} frames back for {len(frames)}.")
    return [pixels for _, pixels in decoded]


def encode(
    frames: list[Pixels],
    codec: str,
    options: dict[str, str],
    bits_per_s: int = 0,
    keyframes: frozenset[int] = frozenset(),
) -> tuple[list[av.Packet[Any]], bytes]:
    """Encode a clip at 25 frames a second on one thread.

    Args:
        frames: RGB, uint8, (height, width, 3), even sides.
        codec: one of `CODECS`.
        options: of FFmpeg's encoder.
        bits_per_s: target rate; 0 for none.
        keyframes: indexes of frames to code as keyframes besides the first.

    Returns:
        The packets, and the encoder's extradata for `decode`.

    Raises:
        RecipeError: this PyAV lacks the encoder.
    """
    import av  # here and in `decode`, since who only reads stores of labelled crops does without
    from av.video.frame import PictureType

    encoder_name = CODECS[codec][0]
    try:
        encoder = cast("av.VideoCodecContext", av.CodecContext.create(encoder_name, "w"))
    except av.codec.codec.UnknownCodecError as error:
        raise RecipeError(
            f"This PyAV has no encoder {encoder_name}: install the `av` wheel from PyPI."
        ) from error
    height, width = frames[0].shape[:2]
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(25)
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = options
    if bits_per_s:
        encoder.bit_rate = bits_per_s
    packets: list[av.Packet[Any]] = []
    with tamed_svt_av1():
        for t, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts = t
            if t in keyframes:
                frame.pict_type = PictureType.I
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
    return packets, bytes(encoder.extradata or b"")


@contextmanager
def tamed_svt_av1() -> Iterator[None]:
    """Encode within the block, from the first frame on, without what SVT-AV1 does to the process beside that.

    It writes a page to standard error for every clip, and puts the thread of a root process at the highest
    real-time priority for good: all others on the machine would starve, and what the thread starts inherits
    it.
    """
    os.environ.setdefault("SVT_LOG", "1")  # errors alone
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)


def decode(packets: list[av.Packet[Any]], codec: str, extradata: bytes) -> list[tuple[int, Pixels]]:
    """Return (number of the frame, its pixels) of everything that the decoder makes of the packets."""
    import av

    decoder_name = {"x264": "h264", "av1": "libdav1d"}.get(codec, codec)
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(decoder_name, "r"))
    decoder.thread_count = 1
    if extradata:
        decoder.extradata = extradata
    shown = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.decode(None)
    return [
        (
            -1 if frame.pts is None else frame.pts,
            frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False),
        )
        for frame in shown
    ]


def _lossy(packet: av.Packet[Any], loss: float, rng: np.random.Generator) -> av.Packet[Any]:
    """Return one frame's packet without the slices that are lost; at least one slice arrives."""
    units = nal_units(bytes(packet))
    slices = [n for n, unit in enumerate(units) if unit[0] & 31 == PLAIN_SLICE]
    lost = {n for n in slices if rng.random() < loss}
    if slices and len(lost) == len(slices):
        lost.remove(slices[int(rng.integers(len(slices)))])
    if not lost:
        return packet
    kept = type(packet)(b"".join(b"\x00\x00\x00\x01" + unit for n, unit in enumerate(units) if n not in lost))
    kept.pts, kept.dts, kept.time_base = packet.pts, packet.dts, packet.time_base
    return kept


def nal_units(stream: bytes) -> list[bytes]:
    """Split a stream in Annex B's form."""
    return [unit for unit in START_CODE.split(stream) if unit]


def _options(codec: str, quality: int, recording: bool) -> dict[str, str]:
    number = str(quality)
    if codec == "x264":
        return {"preset": "veryfast", "crf": number} | ({} if recording else {"tune": "zerolatency"})
    if codec == "av1":
        return {"preset": "10", "crf": number, "svtav1-params": "rtc=1:lp=1:pred-struct=1:lookahead=0"}
    if codec == "vp8":  # at a speed above 0 libvpx trades quality for time as the machine's load demands
        return {
            "deadline": "realtime",
            "cpu-used": "-8",
            "lag-in-frames": "0",
            "qmin": number,
            "qmax": number,
        }
    fixed = {"qmin": number, "qmax": number, "crf": number}
    return {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", **fixed}
