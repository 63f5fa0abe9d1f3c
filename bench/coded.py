"""Calls of coded video: 720 lines at 30 pictures a second, as a media server forwards them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from facegauge.v1 import quality_pb2 as pb
from facegauge_client.demo.call import Act, play_call
from facegauge_training.data.codecs import tamed_svt_av1

__all__ = ["CODED_CALLS", "CodedCall", "coded_call"]

FPS = 30
SECONDS = 8
WIDTH, HEIGHT = 1280, 720
BIT_RATE = 1_500_000
_L1T3 = {
    "ts-parameters": "ts_number_layers=3:ts_target_bitrate=600,1050,1500:ts_rate_decimator=4,2,1:"
    "ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3",
    "error-resilient": "1",
}
_VP8 = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
CODED_CALLS: dict[str, tuple[str, dict[str, str], tuple[int, ...]]] = {
    "h264": ("libx264", {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline"}, ()),
    "vp8": ("libvpx", _VP8, ()),
    "vp8-l1t3": ("libvpx", _VP8 | _L1T3, (0, 2, 1, 2)),
    "vp9": ("libvpx-vp9", {**_VP8, "row-mt": "0"}, ()),
    "av1": ("libsvtav1", {"preset": "10", "svtav1-params": "rtc=1:pred-struct=1:lookahead=0:rc=2"}, ()),
}
"""Encoder, its options, and the temporal layers of frames that follow each other, by name."""


@dataclass(frozen=True, slots=True)
class CodedCall:
    """Some seconds of a call, to be sent again and again; the first unit is the only keyframe."""

    name: str
    encoding: pb.FrameEncoding.ValueType
    units: list[bytes]
    layers: tuple[int, ...]

    def frame(self, sequence: int) -> pb.Frame:
        """Return the frame that comes as the `sequence`th."""
        frame = pb.Frame(
            sequence=sequence,
            capture_time_s=sequence / FPS,
            data=self.units[sequence % len(self.units)],
        )
        if self.layers:
            frame.temporal_layer = self.layers[sequence % len(self.layers)]
        return frame


def coded_call(name: str, video: Path | None = None) -> CodedCall:
    """Encode the demo's call, or a file, in one of `CODED_CALLS`."""
    encoder, options, layers = CODED_CALLS[name]
    made = av.CodecContext.create(encoder, "w")
    assert isinstance(made, av.VideoCodecContext)  # noqa: S101 - narrows: all of them are
    made.width, made.height, made.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    made.time_base, made.framerate = Fraction(1, FPS), Fraction(FPS)
    made.bit_rate, made.gop_size, made.options = BIT_RATE, 100 * FPS, options
    made.thread_count = 1
    units: list[bytes] = []
    with tamed_svt_av1():
        for number, frame in enumerate(islice(_pictures(video), SECONDS * FPS)):
            picture = frame.reformat(WIDTH, HEIGHT, format="yuv420p", interpolation="AREA")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            units += map(bytes, made.encode(picture))
        units += map(bytes, made.encode(None))
    encoding = pb.FrameEncoding.Value(f"FRAME_ENCODING_{name.partition('-')[0].upper()}")
    return CodedCall(name, encoding, units[: len(units) // 4 * 4], layers)


def _pictures(video: Path | None) -> Iterable[av.VideoFrame]:
    if video is None:
        for item in play_call((Act(seconds=SECONDS * 2, kbit_per_s=8000, height=HEIGHT),)):
            yield item.frame
        return
    with av.open(str(video)) as container:
        yield from container.decode(video=0)
