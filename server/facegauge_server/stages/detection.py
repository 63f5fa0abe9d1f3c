"""Types of face detection: the detector, its detections, and the part of a frame that it searches."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from facegauge_server.types import Box, Pixels

__all__ = ["SAME_FACE_IOU", "Detection", "DetectionScope", "Detector", "distinct"]

SAME_FACE_IOU = 0.3
"""Boxes that overlap more are one face."""


class DetectionScope(enum.Enum):
    """The part of a frame that the detector must search."""

    NOTHING = enum.auto()
    KNOWN_FACES = enum.auto()
    """Around the faces that it found last."""
    WHOLE_FRAME = enum.auto()


@dataclass(frozen=True, slots=True)
class Detection:
    """A face as a model sees it; the box is square, from brow to chin, in pixels of the picture."""

    box: Box
    confidence: float
    """0-1."""


class Detector(Protocol):
    """Finds faces in RGB pictures, uint8 (height, width, 3). Boxes are in the picture's pixels."""

    def detect(self, pixels: Pixels, known: tuple[Box, ...] = ()) -> tuple[Box, ...]:
        """Search the whole picture; `known` is where faces were a moment ago."""

    def follow(self, pixels: Pixels, known: tuple[Box, ...]) -> tuple[Box, ...] | None:
        """Search around known faces only; None where that is not enough."""


def distinct(detections: Iterable[Detection]) -> list[Detection]:
    """Return detections, the most confident first, without those that show a face a second time."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda one: one.confidence, reverse=True):
        if all(detection.box.iou(other.box) < SAME_FACE_IOU for other in kept):
            kept.append(detection)
    return kept
