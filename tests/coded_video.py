"""Real coded video, made when a test needs it: a moving portrait, in the four formats that calls carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Encoding
from facegauge_training.data.codecs import tamed_svt_av1

__all__ = ["CODED", "L1T3_LAYERS", "encode_units", "encode_vp8_layers", "moving"]

FPS = 30
CODED = (Encoding.H264, Encoding.VP8, Encoding.VP9, Encoding.AV1)
_ENCODERS = {
    Encoding.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    Encoding.VP8: ("libvpx", {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0"}),
    Encoding.VP9: ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    Encoding.AV1: ("libsvtav1", {"preset": "12", "svtav1-params": "rtc=1:pred-struct=1:lookahead=0:rc=2"}),
}
L1T3_LAYERS = (0, 2, 1, 2)
"""Temporal layers of four frames that follow each other."""


def moving(
    picture: npt.NDArray[np.uint8], count: int, width: int = 640, height: int = 480
) -> Iterator[npt.NDArray[np.uint8]]:
    """A picture that goes to the right, two pixels a frame."""
    scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    for number in range(count):
        yield np.ascontiguousarray(np.roll(scaled, 2 * number, axis=1), dtype=np.uint8)


def encode_units(
    encoding: Encoding,
    pictures: Iterable[npt.NDArray[np.uint8]],
    *,
    keyframe_interval: int = 1000,
    bit_rate: int = 1_000_000,
    options: dict[str, str] | None = None,
) -> list[bytes]:
    """One access unit a picture, the first a keyframe."""
    name, defaults = _ENCODERS[encoding]
    context: av.VideoCodecContext | None = None
    units: list[bytes] = []
    with tamed_svt_av1():
        for number, picture in enumerate(pictures):
            if context is None:
                context = _encoder(name, picture.shape[1], picture.shape[0])
                context.bit_rate, context.gop_size = bit_rate, keyframe_interval
                context.options = {**defaults, **(options or {})}
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts = number
            units += map(bytes, context.encode(frame))
        assert context is not None
        units += map(bytes, context.encode(None))
    return units


def _encoder(name: str, width: int, height: int) -> av.VideoCodecContext:
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
    context.thread_count = 1  # libvpx's threads wait in a loop, for minutes where cores are few
    return context


def encode_vp8_layers(pictures: Iterable[npt.NDArray[np.uint8]]) -> list[bytes]:
    """VP8 in three temporal layers (L1T3), which are those of `L1T3_LAYERS` again and again."""
    parameters = (
        "ts_number_layers=3:ts_target_bitrate=400,700,1000:ts_rate_decimator=4,2,1:ts_periodicity=4:"
        "ts_layer_id=0,2,1,2:ts_layering_mode=3"
    )
    return encode_units(Encoding.VP8, pictures, options={"ts-parameters": parameters, "error-resilient": "1"})
