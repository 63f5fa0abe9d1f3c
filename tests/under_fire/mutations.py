"""Inputs for the fuzzer: hostile pictures, hostile numbers, hostile bytes, from one seed."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable

import cv2
import numpy as np

from facegauge.v1 import quality_pb2 as pb
from tests.under_fire.pictures import png_of

__all__ = ["Mutator"]

CODED = {
    pb.FRAME_ENCODING_JPEG: ".jpg",
    pb.FRAME_ENCODING_PNG: ".png",
    pb.FRAME_ENCODING_WEBP: ".webp",
}
RAW = (pb.FRAME_ENCODING_RGB24, pb.FRAME_ENCODING_BGR24, pb.FRAME_ENCODING_I420, pb.FRAME_ENCODING_NV12)
SIZES = ((64, 48), (1, 1), (2, 2), (3, 200), (200, 3), (127, 129), (320, 180))
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, 1e9, 1e308, -1e308, math.inf, -math.inf, math.nan, 5e-324)
INTEGERS = (0, 1, 2, 3, 5, 31, 32, 89, 90, 720, 4320, 8192, 65535, 65536, 2**31 - 1, 2**32 - 1)
TEXTS = (
    "",
    "x",
    "standup",
    "x" * 128,
    "x" * 129,
    "x" * 100_000,
    "\n",
    "\0",
    "é",
    "🙂" * 40,
    '"} evil{x="',
    "\u202e",
)


class Mutator:
    """Makes inputs, the same ones from the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._corpus = _corpus()

    def frame(self, sequence: int) -> bytes:
        """Return a serialised MonitorStreamRequest with a frame that may be anything."""
        choose = self._random.random()
        if choose < 0.8:
            frame = self._coded_frame()
        elif choose < 0.9:
            frame = self._raw_frame()
        else:
            frame = self._coded_frame()
            frame.capture_time_s = self._random.choice(NUMBERS)
            frame.width, frame.height = self._integer(), self._integer()
        frame.sequence = sequence
        if choose < 0.9:
            frame.capture_time_s = sequence / 30
        return pb.MonitorStreamRequest(frame=frame).SerializeToString()

    def config(self, stream_id: str) -> bytes:
        """Return a serialised MonitorStreamRequest with a configuration that may be anything."""
        config = pb.StreamConfig(stream_id=stream_id)
        changes: list[Callable[[], None]] = [
            lambda: setattr(config, "stream_id", self._random.choice(TEXTS)),
            lambda: setattr(config, "call_id", self._random.choice(TEXTS)),
            lambda: setattr(config, "resume_token", self._random.choice(TEXTS)),
            lambda: setattr(config, "max_fps", self._random.choice(NUMBERS)),
            lambda: setattr(config, "min_fps", self._random.choice(NUMBERS)),
            lambda: setattr(config, "width", self._integer()),
            lambda: setattr(config, "height", self._integer()),
            lambda: setattr(config, "display_lines", self._integer()),
            lambda: setattr(config, "encoding", self._integer() % 2**31),
            lambda: setattr(config, "delivery", self._integer() % 2**31),
            lambda: setattr(config.smoothing, "median_window", self._integer()),
            lambda: setattr(config.smoothing, "time_constant_s", self._random.choice(NUMBERS)),
        ]
        for change in self._random.sample(changes, self._random.randint(0, 3)):
            change()
        return pb.MonitorStreamRequest(config=config).SerializeToString()

    def image(self) -> bytes:
        """Return a serialised AssessImageRequest that may be anything."""
        frame = self._coded_frame() if self._random.random() < 0.7 else self._raw_frame()
        request = pb.AssessImageRequest(
            encoding=frame.encoding, width=frame.width, height=frame.height, data=frame.data
        )
        if self._random.random() < 0.2:
            request.display_lines = self._integer()
        return request.SerializeToString()

    def listing(self) -> bytes:
        """Return a serialised WatchStreamsRequest; one field short it is a ListStreamsRequest too."""
        return pb.WatchStreamsRequest(
            call_id=self._random.choice(TEXTS),
            limit=self._integer(),
            interval_s=self._random.choice(NUMBERS),
        ).SerializeToString()

    def damaged(self, message: bytes) -> bytes:
        """Return a message with some of its bytes changed, lost, doubled, or replaced by noise."""
        data = bytearray(message)
        for _ in range(self._random.randint(1, 8)):
            if not data:
                return self._random.randbytes(self._random.randint(1, 64))
            at = self._random.randrange(len(data))
            match self._random.randrange(5):
                case 0:
                    data[at] ^= 1 << self._random.randrange(8)
                case 1:
                    data[at] = self._random.choice((0, 1, 0x7F, 0x80, 0xFF))
                case 2:
                    del data[at : at + self._random.randint(1, 64)]
                case 3:
                    data[at:at] = data[at : at + self._random.randint(1, 64)]
                case _:
                    data[at : at + 4] = self._random.randbytes(4)
        return bytes(data)

    def _coded_frame(self) -> pb.Frame:
        encoding = self._random.choice(list(CODED))
        picture = self._random.choice(self._corpus[encoding])
        if self._random.random() < 0.95:
            picture = self.damaged(picture)
        if self._random.random() < 0.05:
            encoding = self._random.choice((*CODED, *RAW))
        return pb.Frame(encoding=encoding, data=picture)

    def _raw_frame(self) -> pb.Frame:
        width, height = self._random.choice(SIZES)
        encoding = self._random.choice(RAW)
        is_planar = encoding in (pb.FRAME_ENCODING_I420, pb.FRAME_ENCODING_NV12)
        size = width * height * 3 // (2 if is_planar else 1)
        size += self._random.choice((0, 0, 0, 1, -1, 1000))
        frame = pb.Frame(encoding=encoding, width=width, height=height, data=bytes(max(0, size)))
        if self._random.random() < 0.3:
            frame.width = self._integer()
        return frame

    def _integer(self) -> int:
        return self._random.choice(INTEGERS)


@functools.cache
def _corpus() -> dict[pb.FrameEncoding.ValueType, list[bytes]]:
    """Return small valid pictures of every coded kind: smooth, noisy, thin, grey, progressive."""
    noise = np.random.default_rng(0)
    corpus: dict[pb.FrameEncoding.ValueType, list[bytes]] = {encoding: [] for encoding in CODED}
    for width, height in SIZES:
        ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
        grain = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for pixels in (ramp, grain, ramp[:, :, 0]):
            for encoding, suffix in CODED.items():
                corpus[encoding].append(_encoded(suffix, pixels, []))
        progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
        corpus[pb.FRAME_ENCODING_JPEG].append(_encoded(".jpg", ramp, progressive))
        corpus[pb.FRAME_ENCODING_WEBP].append(_encoded(".webp", ramp, [cv2.IMWRITE_WEBP_QUALITY, 101]))
    corpus[pb.FRAME_ENCODING_PNG] += [png_of(8193, 1), png_of(1, 9000), png_of(32767, 2)]
    return corpus


def _encoded(suffix: str, pixels: cv2.typing.MatLike, options: list[int]) -> bytes:
    encoded, data = cv2.imencode(suffix, pixels, options)
    assert encoded
    return data.tobytes()
