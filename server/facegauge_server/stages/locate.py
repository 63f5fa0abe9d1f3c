"""Frame -> FaceBoxes: MediaPipe's face detector, and the tracker that says when it must run.

The short-range model sees a picture of 128 x 128 pixels. It first sees the whole frame, and where it finds
nothing, overlapping squares of the frame's shorter side, in which a face is larger; that brings back people
who stand away from a wide camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from facegauge_server.blocked import blocked
from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import Box, FaceBoxes, Frame, Pixels

with blocked("sounddevice"):
    import mediapipe
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import FaceDetector as MediaPipeFaceDetector
    from mediapipe.tasks.python.vision import FaceDetectorOptions

__all__ = ["FaceDetector", "locate"]

MODEL = Path(__file__).parent.parent / "assets" / "face_detection_short_range.tflite"
MIN_CONFIDENCE = 0.5
SAME_FACE_IOU = 0.3
"""Boxes from two squares that overlap more are one face."""
SQUARES_STEP = 0.5
"""Distance between neighbouring squares, as a share of their side, at most."""


class FaceDetector:
    """Finds faces. For one thread at a time: a shared one would make its callers wait for each other."""

    def __init__(self) -> None:
        options = FaceDetectorOptions(
            base_options=BaseOptions(model_asset_path=str(MODEL)), min_detection_confidence=MIN_CONFIDENCE
        )
        self._detector = MediaPipeFaceDetector.create_from_options(options)

    def detect(self, pixels: Pixels) -> tuple[Box, ...]:
        """Return the boxes of the faces in an RGB picture, uint8 (height, width, 3), in its pixels."""
        found = self._detect_in(pixels, 0, 0)
        if found:
            return found
        height, width = pixels.shape[:2]
        side = min(height, width)
        squares = [(left, top) for top in _starts(height, side) for left in _starts(width, side)]
        if len(squares) == 1:
            return ()
        boxes: list[Box] = []
        for left, top in squares:
            for box in self._detect_in(pixels[top : top + side, left : left + side], left, top):
                if all(box.iou(other) < SAME_FACE_IOU for other in boxes):
                    boxes.append(box)
        return tuple(boxes)

    def close(self) -> None:
        """Give back the model; `detect` must not be called any more."""
        self._detector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _detect_in(self, pixels: Pixels, left: int, top: int) -> tuple[Box, ...]:
        image = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(pixels))
        found = (detection.bounding_box for detection in self._detector.detect(image).detections)
        return tuple(Box(box.origin_x + left, box.origin_y + top, box.width, box.height) for box in found)


def locate(frame: Frame, tracker: FaceTracker, detector: FaceDetector) -> FaceBoxes:
    """Return the faces of a stream's next frame, running the detector where the tracker wants it."""
    with tracker.lock:
        wanted = tracker.wants_detection(frame)
        return tracker.update(frame, detector.detect(frame.pixels) if wanted else None)


def _starts(length: int, side: int) -> list[int]:
    """Return where squares of a side begin so that they cover a length."""
    count = 1 + int(np.ceil((length - side) / (side * SQUARES_STEP)))
    return [round(index * (length - side) / max(1, count - 1)) for index in range(count)]
