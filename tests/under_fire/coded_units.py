"""Inputs for the fuzzer: streams of coded video that are damaged, torn, mixed, or not what they say."""

from __future__ import annotations

import functools
import random

import numpy as np

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.types import Encoding
from tests.coded_video import CODED, encode_units, encode_vp8_layers, moving
from tests.under_fire.mutations import Mutator

__all__ = ["CodedMutator"]

UNITS = 16
SIZES = ((64, 48), (66, 130), (320, 176), (16, 16))
BATCHES = (1, 1, 3, 40)


class CodedMutator:
    """Makes streams, the same ones from the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._bytes = Mutator(seed)

    def stream(self, stream_id: str, units: int) -> list[bytes]:
        """Return serialised MonitorStreamRequests: a configuration, then units of one stream in batches."""
        encoding = self._random.choice(CODED)
        config = pb.StreamConfig(
            stream_id=stream_id,
            encoding=number_of(encoding),
            delivery=pb.DELIVERY_COMPLETE,
            decode=self._random.choice(list(pb.Decode.values())),
            max_fps=self._random.choice((0.0, 0.0, 5.0)),
        )
        requests = [pb.MonitorStreamRequest(config=config)]
        frames = self._frames(encoding, units)
        while frames:
            size = self._random.choice(BATCHES)
            requests.append(pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=frames[:size])))
            del frames[:size]
        return [request.SerializeToString() for request in requests]

    def _frames(self, encoding: Encoding, count: int) -> list[pb.Frame]:
        frames: list[pb.Frame] = []
        while len(frames) < count:
            frames += self._piece(encoding, len(frames))
        return frames[:count]

    def _piece(self, encoding: Encoding, first: int) -> list[pb.Frame]:
        """Return some units that belong together, with something wrong in most of them."""
        units = list(self._random.choice(corpus()[encoding]))
        match self._random.randrange(8):
            case 0:
                units.pop(self._random.randrange(len(units)))
            case 1:
                self._random.shuffle(units)
            case 2:
                at = self._random.randrange(len(units))
                units[at] = units[at][: self._random.randrange(len(units[at]) + 1)]
            case 3:
                other = self._random.choice(corpus()[self._random.choice(CODED)])
                units[self._random.randrange(len(units))] = self._random.choice(other)
            case 4:
                units = units[:1] * 8  # keyframes without end
            case 5:
                pass
            case _:
                for at in self._random.sample(range(len(units)), 3):
                    units[at] = self._body_damaged(units[at])
        frames = [
            pb.Frame(sequence=number, capture_time_s=number / 30, data=data)
            for number, data in enumerate(units, start=first)
        ]
        self._lie(self._random.choice(frames))
        return frames

    def _body_damaged(self, unit: bytes) -> bytes:
        """Damage a unit, in most cases behind its header, so that it reaches the decoder."""
        kept = self._random.choice((0, 4, 16, 32))
        return unit[:kept] + self._bytes.damaged(unit[kept:])

    def _lie(self, frame: pb.Frame) -> None:
        match self._random.randrange(6):
            case 0:
                frame.keyframe = True
            case 1:
                frame.discontinuity = True
            case 2:
                frame.temporal_layer = self._random.choice((0, 1, 7, 2**32 - 1))
            case 3:
                frame.encoding = self._random.choice(list(pb.FrameEncoding.values()))
            case 4:
                frame.width, frame.height = self._random.choice(SIZES)
            case _:
                pass


def number_of(encoding: Encoding) -> pb.FrameEncoding.ValueType:
    """Return the interface's number of an encoding."""
    return pb.FrameEncoding.Value(f"FRAME_ENCODING_{encoding.name}")


@functools.cache
def corpus() -> dict[Encoding, list[list[bytes]]]:
    """Return small whole streams of every format, in several sizes."""
    noise = np.random.default_rng(0)
    made: dict[Encoding, list[list[bytes]]] = {encoding: [] for encoding in CODED}
    for width, height in SIZES:
        picture = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for encoding in CODED:
            if encoding is Encoding.AV1 and min(width, height) < 64:
                continue  # its encoder takes none so small
            pictures = list(moving(picture, UNITS, width, height))
            made[encoding].append(encode_units(encoding, pictures, keyframe_interval=8))
        made[Encoding.VP8].append(encode_vp8_layers(moving(picture, UNITS, width, height)))
    return made
