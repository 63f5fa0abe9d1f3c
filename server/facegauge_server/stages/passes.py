"""Passes of the face models over one picture, up to a fixed number whatever the picture's shape.

Every pass costs about the same, since the models reduce whatever they get to a small square: a bound on
their number bounds the work of a frame. MediaPipe's task runs on whole pictures; parts of them go through the
same model without its graph, and a second model is asked in doubt (`blaze_face.py`).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.block_import import blocked, replaced_by_empty
from facegauge_server.stages.blaze_face import FULL_RANGE, SHORT_RANGE, BlazeFace
from facegauge_server.stages.detection import Detection
from facegauge_server.types import Box, Pixels

with blocked("sounddevice"), replaced_by_empty("matplotlib.pyplot"):
    import mediapipe
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import FaceDetector as MediaPipeFaceDetector
    from mediapipe.tasks.python.vision import FaceDetectorOptions

__all__ = ["MAX_PASSES", "FaceModels", "Passes"]

MAX_PASSES = 24
"""Passes over one picture; frames of 25 research clips need five at most."""
MIN_CONFIDENCE = 0.3
"""Detections with less are not considered."""
MAX_TASK_SIDE_PX = 16_384
"""MediaPipe's task gets a larger picture reduced: at 32,767 px OpenCV inside it ends the process."""
CLOSE_UP_SIDE = 3.0
"""Side of the square around a box that is searched, in widths of the box."""
CLOSE_UP_IOU = 0.15
"""Minimum overlap of the box with a face found around it; one that overlaps less is another face."""
SQUARES_STEP = 0.5
"""Distance between neighbouring squares, as a share of their side, at most: while that takes few enough."""
MAX_SQUARES = 8
"""Squares that cover a picture, at most: without a gap up to 8 wide to 1 high."""


class FaceModels:
    """The loaded models. For one thread at a time."""

    def __init__(self) -> None:
        options = FaceDetectorOptions(
            base_options=BaseOptions(model_asset_path=str(SHORT_RANGE.path)),
            min_detection_confidence=MIN_CONFIDENCE,
        )
        self.task = MediaPipeFaceDetector.create_from_options(options)
        self.short_range = BlazeFace(SHORT_RANGE)
        self.full_range = BlazeFace(FULL_RANGE)

    def key_points(self, pixels: Pixels) -> npt.NDArray[np.float32] | None:
        """Return the clearest face's six key points, (6, 2) as x, y in shares of an RGB picture's sides.

        Both eyes, nose, mouth and both ears, the face's right side first; None where there is no face.
        """
        found = self.task.detect(_picture(pixels)).detections
        if not found:
            return None
        clearest = max(found, key=lambda face: face.categories[0].score)
        return np.array([(point.x, point.y) for point in clearest.keypoints], np.float32)

    def close(self) -> None:
        """Release the models; they must not be used any more."""
        self.task.close()
        self.short_range.close()
        self.full_range.close()


class Passes:
    """The passes over one picture. Once they are used up, further ones find nothing."""

    def __init__(self, models: FaceModels, pixels: Pixels) -> None:
        """Start with none made; `pixels` is RGB, uint8, (height, width, 3)."""
        self._models = models
        self._pixels = pixels
        self._height, self._width = pixels.shape[:2]
        self.made = 0

    def whole(self) -> list[Detection]:
        """Run MediaPipe's task, the short-range model, on the whole picture."""
        if not self._take():
            return []
        pixels, scale = self._pixels, MAX_TASK_SIDE_PX / max(self._height, self._width)
        if scale < 1:
            size = (max(1, round(self._width * scale)), max(1, round(self._height * scale)))
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        back = max(1.0, 1 / scale)
        found = []
        for detection in self._models.task.detect(_picture(pixels)).detections:
            at = detection.bounding_box
            box = Box(at.origin_x * back, at.origin_y * back, at.width * back, at.height * back)
            found.append(Detection(box, float(detection.categories[0].score)))
        return found

    def full_range(self) -> list[Detection]:
        """Run the full-range model on the whole picture."""
        return self._models.full_range.detect(self._pixels) if self._take() else []

    def squares(self) -> list[Detection]:
        """Run the short-range model on squares of the shorter side that cover the picture."""
        side = min(self._height, self._width)
        return [
            detection
            for left in _starts(self._width, side)
            for top in _starts(self._height, side)
            for detection in self._part(left, top, side)
        ]

    def close_up(self, box: Box) -> Detection | None:
        """Run the short-range model on a square around a box; returns the face there, if any."""
        side = round(CLOSE_UP_SIDE * max(box.width, box.height))
        side = max(1, min(side, self._height, self._width))
        left = round(min(max(box.x + (box.width - side) / 2, 0), self._width - side))
        top = round(min(max(box.y + (box.height - side) / 2, 0), self._height - side))
        same = (one for one in self._part(left, top, side) if one.box.iou(box) >= CLOSE_UP_IOU)
        return max(same, key=lambda one: one.confidence, default=None)

    def _part(self, left: int, top: int, side: int) -> list[Detection]:
        if not self._take():
            return []
        found = []
        for detection in self._models.short_range.detect(self._pixels[top : top + side, left : left + side]):
            at = detection.box
            box = Box(at.x + left, at.y + top, at.width, at.height)
            found.append(Detection(box, detection.confidence))
        return found

    def _take(self) -> bool:
        if self.made >= MAX_PASSES:
            return False
        self.made += 1
        return True


def _picture(pixels: Pixels) -> mediapipe.Image:
    return mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(pixels))


def _starts(length: int, side: int) -> list[int]:
    """Return where squares of a side begin so that they cover a length, as far as `MAX_SQUARES` reach."""
    count = min(MAX_SQUARES, 1 + int(np.ceil((length - side) / (side * SQUARES_STEP))))
    return [round(index * (length - side) / max(1, count - 1)) for index in range(count)]
