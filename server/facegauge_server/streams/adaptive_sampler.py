"""Score fewer frames of a steady stream, and all of them again as soon as it changes.

A call mostly looks as it did a second ago. While a stream's raw scores stay together, the interval between
scored frames grows from frame to frame, up to what the client allows. It falls back to zero when a score
departs from the others, and a frame is scored at once when its bytes show another picture: encoded frames
shrink or grow with the detail in them, raw frames are compared at a few points. That costs microseconds;
decoding would reveal more, but is half of the work to be saved.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from facegauge_server.types import EncodedFrame, Encoding

__all__ = ["AdaptiveSampler"]

MOVED = 0.04
"""Difference of a raw score, 0-1, from the mean of those before it that is more than noise."""
GROWTH = 1.5
"""Factor by which the interval grows from one scored frame to the next while the stream is steady."""
FIRST_INTERVAL_S = 0.2
SUCCESSOR_S = 0.2
"""How long after the interval a held frame waits for a newer one, which would be the better choice."""
MEAN_TIME_CONSTANT_S = 2.0
RESIZED = 0.12
"""Relative change of an encoded frame's size that means another picture."""
REPAINTED = 8.0
"""Mean absolute difference of raw frames' bytes that means another picture."""
CLOCK_NOISE_S = 1e-3
POINTS = 256
"""Number of bytes at which raw frames are compared."""


class AdaptiveSampler:
    """Adaptive sampler for one LIVE stream.

    Intervals are measured in capture time, so that they do not depend on load or jitter. Only a frame that
    nothing follows is judged by the server's clock: it is ready once the interval is over there.
    """

    def __init__(self, min_fps: float) -> None:
        """Score at least `min_fps` frames per second of a steady stream; 0 scores all."""
        self._longest_s = 1 / min_fps if min_fps else 0.0
        self._interval_s = 0.0
        self._scored_capture_s = -math.inf
        self._taken_capture_s = -math.inf
        self._taken_s = -math.inf
        self._size = 0
        self._points: npt.NDArray[np.int16] | None = None
        self._mean: float | None = None

    def ready_s(self, frame: EncodedFrame, arrived_s: float) -> float:
        """Return when the newest frame is to be scored; `arrived_s` if it is to be scored at once.

        Both are times of the server's monotonic clock. A later time holds as long as no newer frame comes.
        """
        if not self._longest_s or self._is_other(frame):
            return arrived_s
        elapsed_s = frame.capture_time_s - self._taken_capture_s
        if not 0 <= elapsed_s < self._interval_s - CLOCK_NOISE_S:
            return arrived_s
        return max(arrived_s, self._taken_s + self._interval_s + SUCCESSOR_S)

    def needs_one_of(self, held: EncodedFrame, newer: EncodedFrame, due_capture_s: float) -> bool:
        """Return whether one of two frames is enough: the stream is steady and they share an interval.

        `due_capture_s` is the capture time at which that interval began.
        """
        if self._is_other(held) or self._is_other(newer):
            return False
        return 0 <= newer.capture_time_s - due_capture_s < self._interval_s - CLOCK_NOISE_S

    def take(self, frame: EncodedFrame, now_s: float) -> None:
        """Note that a frame is on its way to be scored; `now_s` is the server's monotonic clock."""
        if self._longest_s:
            if self._is_other(frame):
                self._interval_s = 0.0
            self._taken_capture_s, self._taken_s = frame.capture_time_s, now_s
            self._size, self._points = len(frame.data), _points(frame)

    def scored(self, raw_quality: float | None, capture_time_s: float) -> None:
        """Note the raw quality of a frame's main face, 0-1, or that it had none."""
        elapsed_s = max(0.0, capture_time_s - self._scored_capture_s)
        self._scored_capture_s = capture_time_s
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
        """Return whether the bytes show another picture than the last one taken.

        Of coded video a keyframe does: a scene, a layer or a path has changed. The sizes of units tell
        nothing, since the rate control sets them.
        """
        if frame.encoding.is_coded:
            return frame.keyframe
        points = _points(frame)
        if points is not None and self._points is not None and len(points) == len(self._points):
            return float(np.abs(points - self._points).sum()) / max(1, len(points)) > REPAINTED
        return abs(len(frame.data) - self._size) > RESIZED * self._size


def _points(frame: EncodedFrame) -> npt.NDArray[np.int16] | None:
    """Sample the bytes of a raw frame's picture, or of its luma; None for an encoded frame."""
    if not frame.encoding.is_raw:
        return None
    data = np.frombuffer(frame.data, np.uint8)
    luma = len(data) * 2 // 3 if frame.encoding in (Encoding.I420, Encoding.NV12) else len(data)
    return data[:luma][:: max(1, luma // POINTS)][:POINTS].astype(np.int16)
