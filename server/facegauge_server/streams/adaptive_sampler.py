"""Score fewer frames of a stream that is steady, and all of them again as soon as it moves.

A call mostly looks as it did a second ago. So while the raw scores of a stream stay together, the time
between two scored frames grows from frame to frame, up to what the client allows. It falls back to nothing
when a score leaves the others, and a frame is scored at once when its bytes say that the picture has changed:
coded frames shrink or grow when detail goes or comes, and raw ones are compared at some points. That costs
microseconds; decoding, which would tell more, is half of what there is to save.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from facegauge_server.types import EncodedFrame, Encoding

__all__ = ["SteadySampler"]

MOVED = 0.04
"""Difference of a raw score, 0-1, from the mean of those before it that is no noise."""
GROWTH = 1.5
"""Of the time between scored frames, from one to the next, while the stream is steady."""
FIRST_INTERVAL_S = 0.2
MEAN_TIME_CONSTANT_S = 2.0
RESIZED = 0.12
"""Change of a coded frame's size, as a share, that means another picture."""
REPAINTED = 8.0
"""Mean difference of the bytes of raw frames that means another picture."""
CLOCK_NOISE_S = 1e-3
POINTS = 256
"""At which raw frames are compared."""


class SteadySampler:
    """Of one stream under LIVE delivery. Times are the frames' capture times, seconds."""

    def __init__(self, min_fps: float) -> None:
        """Make a sampler that lets `min_fps` frames a second through at least; with 0 it wants them all."""
        self._longest_s = 1 / min_fps if min_fps else 0.0
        self._interval_s = 0.0
        self._scored_s = -math.inf
        self._taken_s = -math.inf
        self._size = 0
        self._points: npt.NDArray[np.int16] | None = None
        self._mean: float | None = None

    def wants(self, frame: EncodedFrame) -> bool:
        """Say whether a frame is to be scored."""
        if not self._longest_s or self._is_other(frame):
            return True
        elapsed_s = frame.capture_time_s - self._taken_s
        return not 0 <= elapsed_s < self._interval_s - CLOCK_NOISE_S

    def taken(self, frame: EncodedFrame) -> None:
        """Note that a frame is on its way to be scored."""
        if self._longest_s:
            if self._is_other(frame):
                self._interval_s = 0.0
            self._taken_s = frame.capture_time_s
            self._size, self._points = len(frame.data), _points(frame)

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a frame's main face, 0-1, or that it had none."""
        elapsed_s, self._scored_s = capture_time_s - self._scored_s, capture_time_s
        if raw_quality is None or self._mean is None:
            moved = (raw_quality is None) != (self._mean is None)
            self._mean = raw_quality
        else:
            moved = abs(raw_quality - self._mean) > MOVED
            weight = 1.0 if moved else 1 - math.exp(-elapsed_s / MEAN_TIME_CONSTANT_S)
            self._mean += weight * (raw_quality - self._mean)
        if moved:
            self._interval_s = 0.0
        else:
            self._interval_s = min(max(self._interval_s * GROWTH, FIRST_INTERVAL_S), self._longest_s)

    def _is_other(self, frame: EncodedFrame) -> bool:
        """Whether the bytes say that this is another picture than the last one taken."""
        points = _points(frame)
        if points is not None and self._points is not None and len(points) == len(self._points):
            return float(np.abs(points - self._points).sum()) / max(1, len(points)) > REPAINTED
        return abs(len(frame.data) - self._size) > RESIZED * self._size


def _points(frame: EncodedFrame) -> npt.NDArray[np.int16] | None:
    """Return some bytes of a raw frame's picture, or its luma; None for a coded one."""
    if not frame.encoding.is_raw:
        return None
    data = np.frombuffer(frame.data, np.uint8)
    luma = len(data) * 2 // 3 if frame.encoding in (Encoding.I420, Encoding.NV12) else len(data)
    return data[:luma][:: max(1, luma // POINTS)][:POINTS].astype(np.int16)
