"""Find the faces of a picture: which passes of the models are made, and what of their detections is a face.

The short-range model sees any picture as 128 x 128 pixels. In a wide frame that leaves a face too few of
them: its box comes out up to 1.6 times too wide, and prints and hands pass for faces. So a small detection
that is not clear gets a close-up, a square three times its size, which gives a better box and a second
opinion. Where that leaves a doubt, or nothing is found, the full-range model is asked.
The places where faces were last seen get a close-up too, which holds a face down to 32 px in 720 lines.
Where nobody is found at all, overlapping squares of the frame's shorter side are searched, which brings back
people who stand away from a wide camera.

All passes over a picture count against one limit (`passes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from facegauge_server.stages.detection import SAME_FACE_IOU, Detection, distinct
from facegauge_server.stages.passes import FaceModels, Passes
from facegauge_server.types import Box, Pixels

__all__ = ["FaceDetector"]

LARGE_SHARE = 0.25
"""A face is large when its box is at least so much of the longer side of the whole frame."""
LARGE_CONFIDENCE = 0.5
"""Minimum confidence of a large face."""
CLOSE_UP_CONFIDENCE = 0.8
"""Minimum confidence of a smaller face in its close-up, where prints, hands and clocks reach 0.71."""
BOTH_CONFIDENCE = 0.6
"""Minimum mean confidence of close-up and full-range model, otherwise: coins and clocks reach 0.57."""
KNOWN_CONFIDENCE = 0.5
"""Minimum confidence where a face was a moment ago: hard compression brings real ones down to 0.56."""
CLEAR_CONFIDENCE = 0.9
"""A detection this confident has a box that a close-up does not better."""
MAX_FOLLOWED = 2
"""Known faces up to which a close-up of each is less work than a pass over the whole frame first."""
MAX_CANDIDATES = 16
"""Detections, and known faces, that get a close-up in one frame at most."""


class FaceDetector:
    """Finds faces. For one thread at a time: a shared one would make its callers wait for each other.

    Use as a context manager, or call `close`.
    """

    def __init__(self) -> None:
        self._models = FaceModels()

    def detect(self, pixels: Pixels, known: tuple[Box, ...] = ()) -> tuple[Box, ...]:
        """Return the boxes of the faces in an RGB picture, the most confident first.

        Args:
            pixels: uint8, (height, width, 3).
            known: where faces were a moment ago, in pixels; searched closely where nothing was found.

        Returns:
            Square boxes from brow to chin in the picture's pixels; may reach beyond its edges.
        """
        return _detect(Passes(self._models, pixels), pixels, known)

    def follow(self, pixels: Pixels, known: tuple[Box, ...]) -> tuple[Box, ...] | None:
        """Return the boxes of known faces after a close-up of each, in a fraction of the time of `detect`.

        Args:
            pixels: uint8, (height, width, 3).
            known: where the faces were a moment ago, in pixels.

        Returns:
            None where one is not found, or so large that the whole frame shows it better.
        """
        if len(known) > MAX_FOLLOWED or any(_is_large(box, pixels) for box in known):
            return None
        passes = Passes(self._models, pixels)
        found: list[Detection] = []
        for box in known:
            detection = passes.close_up(box)
            if detection is None or detection.confidence < KNOWN_CONFIDENCE:
                return None
            found.append(detection)
        return tuple(detection.box for detection in distinct(found))

    def close(self) -> None:
        """Release the models; `detect` must not be called any more."""
        self._models.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _detect(passes: Passes, pixels: Pixels, known: tuple[Box, ...]) -> tuple[Box, ...]:
    faces, doubtful = _confirm(passes, pixels, passes.whole())
    lost = [box for box in known if all(box.iou(face.box) < SAME_FACE_IOU for face in faces)]
    again = (passes.close_up(box) for box in lost[:MAX_CANDIDATES])
    faces = distinct([*faces, *(found for found in again if found and found.confidence >= KNOWN_CONFIDENCE)])
    if faces and not doubtful:
        return tuple(face.box for face in faces)
    full_range = passes.full_range()
    faces = distinct([*faces, *_second_opinion(passes, full_range, faces, doubtful)])
    if not faces and pixels.shape[0] != pixels.shape[1]:
        faces, doubtful = _confirm(passes, pixels, distinct(passes.squares()))
        faces = distinct([*faces, *_second_opinion(passes, full_range, faces, doubtful)])
    return tuple(face.box for face in faces)


def _confirm(
    passes: Passes, pixels: Pixels, detections: Iterable[Detection]
) -> tuple[list[Detection], list[Detection]]:
    """Sort detections into faces and what may be one; the small unclear ones get a close-up first."""
    faces, doubtful = [], []
    for detection in sorted(detections, key=_confidence, reverse=True)[:MAX_CANDIDATES]:
        if _is_large(detection.box, pixels) or detection.confidence >= CLEAR_CONFIDENCE:
            if detection.confidence >= LARGE_CONFIDENCE:
                faces.append(detection)
            continue
        closer = passes.close_up(detection.box)
        if closer is not None and closer.confidence >= CLOSE_UP_CONFIDENCE:
            faces.append(closer)
        else:
            doubtful.append(closer or detection)
    return distinct(faces), doubtful


def _second_opinion(
    passes: Passes, full_range: list[Detection], faces: list[Detection], doubtful: list[Detection]
) -> Iterable[Detection]:
    """Yield what else is a face to the full-range model and to a close-up together."""
    for second in full_range:
        if any(second.box.iou(face.box) >= SAME_FACE_IOU for face in faces):
            continue
        seen = [one for one in doubtful if one.box.iou(second.box) >= SAME_FACE_IOU]
        closer = max(seen, key=_confidence, default=None) or passes.close_up(second.box)
        if closer is not None and (closer.confidence + second.confidence) / 2 >= BOTH_CONFIDENCE:
            yield closer


def _is_large(box: Box, pixels: Pixels) -> bool:
    return bool(box.width >= LARGE_SHARE * max(pixels.shape[:2]))


def _confidence(detection: Detection) -> float:
    return detection.confidence
