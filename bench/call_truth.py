"""The truth of a recorded call: VMAF of the face in each picture that came, against what the camera saw.

Pictures find their reference by the number that the clip carries. Both are shown at 720 lines and cut as the
training labels are, around the face that the reference has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import Any

import numpy as np

from bench.real_call.clip import Pixels, read_number
from bench.real_call.lossy_path import Passed
from bench.real_call.recording import decode, rtp_timestamp
from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ
from facegauge_server.stages.locate import FaceDetector
from facegauge_server.types import Box
from facegauge_training.data.clips import LINES
from facegauge_training.data.degradation_chain import cut
from facegauge_training.data.distortions import resize_lines
from facegauge_training.data.full_reference import VMAF_HEIGHT, VMAF_WIDTH, vmaf

__all__ = ["Recorded", "Second", "face_boxes", "per_second"]

CHUNK = 150
"""Pictures that VMAF gets at once; each chunk begins with the last picture of the one before."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came by in a call, and the assessments of what was scored."""

    record: list[Passed]
    scored: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a call."""

    at_s: int
    kbit_per_s: float
    """Of RTP, headers included."""
    pictures: int
    quality: float
    """Mean raw quality of the frames that the server scored, 0-1."""
    truth: float
    """Mean VMAF/100 of the face in all pictures that came, each 0-1."""


def face_boxes(shown: Sequence[Pixels]) -> list[Box]:
    """Return where the main face is in each frame; where it is not found, where it was before."""
    boxes: list[Box] = []
    with FaceDetector() as detector:
        for frame in shown:
            found = detector.detect(frame, tuple(boxes[-1:]))
            boxes += [max(found, key=lambda box: box.width)] if found else boxes[-1:]
    if len(boxes) != len(shown):
        raise ValueError("the clip shows no face when it begins")
    return boxes


def per_second(
    recorded: Recorded, codec: str, shown: Sequence[Pixels], boxes: Sequence[Box], *, from_s: float
) -> list[Second]:
    """Return the seconds of a call in which something was scored, leaving out its beginning."""
    truths: dict[int, list[float]] = defaultdict(list)
    bits: dict[int, int] = defaultdict(int)
    pairs = _pairs(recorded, codec, shown, boxes)
    last: list[tuple[int, Pixels, Pixels]] = []
    first_timestamp: int | None = None
    while chunk := list(islice(pairs, CHUNK)):
        first_timestamp = chunk[0][0] if first_timestamp is None else first_timestamp
        together = last + chunk
        scores = vmaf([received for _, received, _ in together], [reference for *_, reference in together])
        for (timestamp, *_), score in list(zip(together, scores, strict=True))[len(last) :]:
            truths[_second(timestamp, first_timestamp)].append(min(max(score / 100, 0.0), 1.0))
        last = chunk[-1:]
    if first_timestamp is None:
        return []
    for passed in recorded.record:
        timestamp = int.from_bytes(passed.data[4:8])
        bits[_second(timestamp, first_timestamp)] += len(passed.data) * 8
    qualities: dict[int, list[float]] = defaultdict(list)
    for answer in recorded.scored:
        timestamp = rtp_timestamp(answer["capture_time_s"])
        qualities[_second(timestamp, first_timestamp)].append(answer["raw_quality"])
    return [
        Second(at_s, bits[at_s] / 1000, len(truths[at_s]), fmean(qualities[at_s]), fmean(truths[at_s]))
        for at_s in sorted(truths.keys() & qualities.keys())
        if at_s >= from_s
    ]


def _second(timestamp: int, first: int) -> int:
    return ((timestamp - first) & 0xFFFFFFFF) // CLOCK_RATE_HZ


def _pairs(
    recorded: Recorded, codec: str, shown: Sequence[Pixels], boxes: Sequence[Box]
) -> Iterator[tuple[int, Pixels, Pixels]]:
    """Yield the face of each picture that came, with its timestamp and its reference."""
    for timestamp, frame in decode(recorded.record, codec):
        picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        number = read_number(picture)
        if number is None or number >= len(shown):
            continue
        box, share = boxes[number], LINES / shown[number].shape[0]
        face = Box(box.x * share, box.y * share, box.width * share, box.height * share)
        received, reference = (
            cut(large, face, VMAF_WIDTH, VMAF_HEIGHT)
            for large in resize_lines([picture], LINES) + resize_lines([shown[number]], LINES)
        )
        yield timestamp, received, reference
