"""Send a clip through a real video codec and back, in memory, with the encoders that FFmpeg brings in PyAV.

The settings are those of a call: one pass, no look-ahead, the fast presets.
"""

from __future__ import annotations

import os
from fractions import Fraction
from typing import cast

import av
import numpy as np

from facegauge_server.types import Pixels
from facegauge_training.errors import RecipeError

__all__ = ["CODECS", "transcode"]

CODECS: dict[str, tuple[str, int, int]] = {
    "x264": ("libx264", 18, 51),
    "vp8": ("libvpx", 8, 63),
    "vp9": ("libvpx-vp9", 12, 63),
    "av1": ("libsvtav1", 20, 63),
}
"""Name -> (FFmpeg's encoder, best and worst quality number that is of interest)."""


def transcode(frames: list[Pixels], codec: str, quality: int) -> list[Pixels]:
    """Encode and decode a clip.

    Args:
        frames: RGB, uint8, (height, width, 3), even sides.
        codec: one of `CODECS`.
        quality: CRF of x264 and AV1, quantiser of VP8 and VP9; higher is worse.

    Returns:
        As many frames, as the receiver's decoder gives them.

    Raises:
        RecipeError: this PyAV lacks the encoder, or it gave back another number of frames.
    """
    encoder_name = CODECS[codec][0]
    os.environ.setdefault("SVT_LOG", "1")  # errors alone: SVT-AV1 else writes a page for every clip
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
    encoder.options = _options(codec, quality)
    if codec in ("vp8", "vp9"):
        encoder.bit_rate = 20_000_000  # never the limit: the quantiser is fixed

    packets = []
    for t, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts = t
        packets += encoder.encode(frame)
    packets += encoder.encode(None)

    decoder_name = {"x264": "h264", "av1": "libdav1d"}.get(codec, codec)
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(decoder_name, "r"))
    decoder.thread_count = 1
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    decoded = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.decode(None)
    if len(decoded) != len(frames):
        raise RecipeError(f"{encoder_name} gave {len(decoded)} frames back for {len(frames)}.")
    return [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in decoded]


def _options(codec: str, quality: int) -> dict[str, str]:
    number = str(quality)
    if codec == "x264":
        return {"preset": "veryfast", "tune": "zerolatency", "crf": number}
    if codec == "av1":
        return {"preset": "10", "crf": number, "svtav1-params": "rtc=1:lp=1:pred-struct=1:lookahead=0"}
    fixed = (
        {"qmin": number, "qmax": number, "crf": number}
        if codec == "vp9"
        else {"qmin": number, "qmax": number}
    )
    return {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", **fixed}
