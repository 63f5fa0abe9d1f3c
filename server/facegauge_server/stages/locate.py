"""Frame -> FaceBoxes: MediaPipe's face detectors, and the tracker that says when they must run.

MediaPipe's task looks at whole frames; parts of them go through the same model without its graph, and a
second model is asked in doubt (`blaze_face.py`).

The short-range model sees any picture as 128 x 128 pixels. In a wide frame that leaves a face too few of
them: its box comes out up to 1.6 times too wide, and prints and hands pass for faces. So a small find that is
not clear is looked at again, in a square three times its size, which gives a better box and a second opinion.
Where that leaves a doubt, or nothing is found, the full-range model is asked.
The places where faces were last seen get a closer look too, which holds a face down to 32 px in 720 lines.
Where nobody is found at all, overlapping squares of the frame's shorter side are searched, which brings back
people who stand away from a wide camera.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from facegauge_server.block_import import blocked, replaced_by_empty
from facegauge_server.stages.blaze_face import FULL_RANGE, SHORT_RANGE, BlazeFace, Sighting
from facegauge_server.stages.schedule import Look
from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import Box, FaceBoxes, Frame, Pixels

with blocked("sounddevice"), replaced_by_empty("matplotlib.pyplot"):
    import mediapipe
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import FaceDetector as MediaPipeFaceDetector
    from mediapipe.tasks.python.vision import FaceDetectorOptions

__all__ = ["FaceDetector", "locate"]

MIN_CONFIDENCE = 0.3
"""Less is not looked at again."""
LARGE_SHARE = 0.25
"""A face is large when its box is at least so much of the longer side of the whole frame."""
LARGE_CONFIDENCE = 0.5
"""What a large face needs."""
CLOSER_CONFIDENCE = 0.8
"""What a smaller face needs at the closer look, where prints, hands and clocks reach 0.71 (measured)."""
BOTH_CONFIDENCE = 0.6
"""What it needs else, in the mean of closer look and full-range model: coins and clocks reach 0.57."""
KNOWN_CONFIDENCE = 0.5
"""What it needs there where a face was a moment ago: hard compression brings real ones down to 0.56."""
CLEAR_CONFIDENCE = 0.9
"""A find this confident has a box that a closer look does not better."""
CLOSER_LOOK = 3.0
"""Side of the square of a closer look, in widths of the box."""
CLOSER_LOOK_IOU = 0.15
"""What overlaps less with the first find is another face."""
SAME_FACE_IOU = 0.3
"""Boxes that overlap more are one face."""
SQUARES_STEP = 0.5
"""Distance between neighbouring squares, as a share of their side, at most."""
MAX_FOLLOWED = 2
"""Known faces up to which a look around each is less work than a look at the whole frame first."""
MAX_CANDIDATES = 16
"""Finds, and known faces, that are looked at again in one frame at most."""


@dataclass(frozen=True, slots=True)
class _Find:
    """What the model found in a part of the frame; the box is in the frame's pixels."""

    box: Box
    confidence: float
    is_large: bool = False


class FaceDetector:
    """Finds faces. For one thread at a time: a shared one would make its callers wait for each other.

    Use as a context manager, or call `close`.
    """

    def __init__(self) -> None:
        options = FaceDetectorOptions(
            base_options=BaseOptions(model_asset_path=str(SHORT_RANGE.path)),
            min_detection_confidence=MIN_CONFIDENCE,
        )
        self._task = MediaPipeFaceDetector.create_from_options(options)
        self._short_range = BlazeFace(SHORT_RANGE)
        self._full_range = BlazeFace(FULL_RANGE)

    def detect(self, pixels: Pixels, known: tuple[Box, ...] = ()) -> tuple[Box, ...]:
        """Return the boxes of the faces in an RGB picture, the most confident first.

        Args:
            pixels: uint8, (height, width, 3).
            known: where faces were a moment ago, in pixels; looked at closely where nothing was found.

        Returns:
            Square boxes from brow to chin in the picture's pixels; may reach beyond its edges.
        """
        height, width = pixels.shape[:2]
        faces, doubtful = self._confirm(pixels, self._look(pixels))
        lost = [box for box in known if all(box.iou(face.box) < SAME_FACE_IOU for face in faces)]
        again = (self._look_closer(pixels, box) for box in lost[:MAX_CANDIDATES])
        faces = _distinct([*faces, *(find for find in again if find and find.confidence >= KNOWN_CONFIDENCE)])
        if faces and not doubtful:
            return tuple(face.box for face in faces)
        sightings = self._full_range.find(pixels)
        faces = _distinct([*faces, *self._second_opinion(pixels, sightings, faces, doubtful)])
        if not faces and width != height:
            side = min(height, width)
            squares = [(left, top) for top in _starts(height, side) for left in _starts(width, side)]
            finds = [find for left, top in squares for find in self._look_at_part(pixels, left, top, side)]
            faces, doubtful = self._confirm(pixels, _distinct(finds))
            faces = _distinct([*faces, *self._second_opinion(pixels, sightings, faces, doubtful)])
        return tuple(face.box for face in faces)

    def follow(self, pixels: Pixels, known: tuple[Box, ...]) -> tuple[Box, ...] | None:
        """Return the boxes of known faces after a look around each, in a fraction of the time of `detect`.

        Args:
            pixels: uint8, (height, width, 3).
            known: where the faces were a moment ago, in pixels.

        Returns:
            None where one is not found, or so large that the whole frame shows it better.
        """
        if len(known) > MAX_FOLLOWED or any(self._is_large(pixels, box) for box in known):
            return None
        finds: list[_Find] = []
        for box in known:
            find = self._look_closer(pixels, box)
            if find is None or find.confidence < KNOWN_CONFIDENCE:
                return None
            finds.append(find)
        return tuple(find.box for find in _distinct(finds))

    def close(self) -> None:
        """Give back the model; `detect` must not be called any more."""
        self._task.close()
        self._short_range.close()
        self._full_range.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, pixels: Pixels) -> list[_Find]:
        """Run MediaPipe's task on the whole picture."""
        picture = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(pixels))
        finds = []
        for detection in self._task.detect(picture).detections:
            at = detection.bounding_box
            box = Box(float(at.origin_x), float(at.origin_y), float(at.width), float(at.height))
            finds.append(_Find(box, float(detection.categories[0].score), self._is_large(pixels, box)))
        return finds

    def _look_at_part(self, pixels: Pixels, left: int, top: int, side: int) -> list[_Find]:
        """Run the same model on a square of the picture."""
        finds = []
        for sighting in self._short_range.find(pixels[top : top + side, left : left + side]):
            at = sighting.box
            box = Box(at.x + left, at.y + top, at.width, at.height)
            finds.append(_Find(box, sighting.confidence, self._is_large(pixels, box)))
        return finds

    def _is_large(self, pixels: Pixels, box: Box) -> bool:
        return bool(box.width >= LARGE_SHARE * max(pixels.shape[:2]))

    def _confirm(self, pixels: Pixels, finds: Iterable[_Find]) -> tuple[list[_Find], list[_Find]]:
        """Tell the faces among finds; those that are neither large nor clear get a closer look.

        Returns:
            The faces, and what may be one.
        """
        faces, doubtful = [], []
        for find in sorted(finds, key=_confidence, reverse=True)[:MAX_CANDIDATES]:
            if find.is_large or find.confidence >= CLEAR_CONFIDENCE:
                if find.confidence >= LARGE_CONFIDENCE:
                    faces.append(find)
                continue
            closer = self._look_closer(pixels, find.box)
            if closer is not None and closer.confidence >= CLOSER_CONFIDENCE:
                faces.append(closer)
            else:
                doubtful.append(closer or find)
        return _distinct(faces), doubtful

    def _second_opinion(
        self, pixels: Pixels, sightings: list[Sighting], faces: list[_Find], doubtful: list[_Find]
    ) -> Iterable[_Find]:
        """Return what else is a face to the full-range model and to a closer look together."""
        for sighting in sightings:
            if any(sighting.box.iou(face.box) >= SAME_FACE_IOU for face in faces):
                continue
            seen = [find for find in doubtful if find.box.iou(sighting.box) >= SAME_FACE_IOU]
            closer = max(seen, key=_confidence, default=None) or self._look_closer(pixels, sighting.box)
            if closer is not None and (closer.confidence + sighting.confidence) / 2 >= BOTH_CONFIDENCE:
                yield closer

    def _look_closer(self, pixels: Pixels, box: Box) -> _Find | None:
        height, width = pixels.shape[:2]
        side = max(1, min(round(CLOSER_LOOK * max(box.width, box.height)), height, width))
        left = round(min(max(box.x + (box.width - side) / 2, 0), width - side))
        top = round(min(max(box.y + (box.height - side) / 2, 0), height - side))
        finds = self._look_at_part(pixels, left, top, side)
        same = (find for find in finds if find.box.iou(box) >= CLOSER_LOOK_IOU)
        return max(same, key=_confidence, default=None)


def locate(frame: Frame, tracker: FaceTracker, detector: FaceDetector) -> FaceBoxes:
    """Return the faces of a stream's next frame, running the detector where the tracker wants it."""
    with tracker.lock:
        look = tracker.wanted_look(frame)
        if look is Look.NOTHING:
            return tracker.update(frame, None)
        if look is Look.KNOWN_FACES:
            followed = detector.follow(frame.pixels, tracker.known_boxes)
            if followed is not None:
                return tracker.update(frame, followed, look)
        return tracker.update(frame, detector.detect(frame.pixels, tracker.known_boxes))


def _confidence(find: _Find) -> float:
    return find.confidence


def _distinct(finds: Iterable[_Find]) -> list[_Find]:
    """Return the finds, most confident first, without those that show a face a second time."""
    kept: list[_Find] = []
    for find in sorted(finds, key=_confidence, reverse=True):
        if all(find.box.iou(other.box) < SAME_FACE_IOU for other in kept):
            kept.append(find)
    return kept


def _starts(length: int, side: int) -> list[int]:
    """Return where squares of a side begin so that they cover a length."""
    count = 1 + int(np.ceil((length - side) / (side * SQUARES_STEP)))
    return [round(index * (length - side) / max(1, count - 1)) for index in range(count)]
