"""A frame as a small picture with its faces marked, and the main face by itself, both as JPEG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_client.sdk.frames import Picture, turn_upright
from facegauge_client.sdk.types import Box

__all__ = ["Thumbnail", "thumbnail"]

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 480, 200
FACE_WIDTH_PX, FACE_HEIGHT_PX = 150, 200
FACE_MARGIN = 0.4
"""Margin around the detector's box, as a share of it."""
JPEG_QUALITY = 80
MAIN_RGB, OTHER_RGB, OUTLINE_RGB = (80, 255, 80), (190, 190, 190), (0, 0, 0)
BEYOND_GRAY = 128
MARK_APART_PX = 3
"""Distance between a face and its mark: a face may be small here."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """JPEG bytes."""

    frame: bytes
    face: bytes
    """Empty where no face is known."""


def thumbnail(picture: Picture, face: Box | None, others: Sequence[Box] = ()) -> Thumbnail | None:
    """Return the small pictures of a frame; None where it cannot be read or drawn here."""
    pixels = _pixels(picture)
    if pixels is None or not pixels.size:
        return None
    height, width = pixels.shape[:2]
    scale = min(FRAME_HEIGHT_PX / height, FRAME_WIDTH_PX / width)
    small = _resize(pixels, max(round(width * scale), 1), max(round(height * scale), 1))
    for box in others:
        _mark(small, box, scale, OTHER_RGB)
    if face is None or not _is_near(face, width, height):
        return Thumbnail(_jpeg(small), b"")
    _mark(small, face, scale, MAIN_RGB)
    return Thumbnail(_jpeg(small), _jpeg(_face(pixels, face)))


def _is_near(box: Box, width: int, height: int) -> bool:
    """Check whether a box has numbers that fit the frame: some of it inside, none of it far out."""
    sides = (box.x, box.y, box.width, box.height)
    return (
        all(map(math.isfinite, sides))
        and -width <= box.x < width
        and -height <= box.y < height
        and max(-box.x, 0) < box.width <= 2 * width
        and max(-box.y, 0) < box.height <= 2 * height
    )


def _mark(small: Pixels, box: Box, scale: float, colour: tuple[int, int, int]) -> None:
    if not _is_near(box, math.ceil(small.shape[1] / scale), math.ceil(small.shape[0] / scale)):
        return
    corners = (box.x, box.y), (box.x + box.width, box.y + box.height)
    (left, top), (right, bottom) = ((round(x * scale), round(y * scale)) for x, y in corners)
    start, end = (left - MARK_APART_PX, top - MARK_APART_PX), (right + MARK_APART_PX, bottom + MARK_APART_PX)
    cv2.rectangle(small, start, end, OUTLINE_RGB, 3)
    cv2.rectangle(small, start, end, colour, 1)


def _face(pixels: Pixels, face: Box) -> Pixels:
    """Return the face with some margin, (200, 150, 3); what lies outside of the frame is gray."""
    tall = max(round(face.height * (1 + 2 * FACE_MARGIN)), 4)
    wide = round(tall * FACE_WIDTH_PX / FACE_HEIGHT_PX)
    left, top = round(face.x + (face.width - wide) / 2), round(face.y + (face.height - tall) / 2)
    inside = pixels[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)]
    cut = np.full((tall, wide, 3), BEYOND_GRAY, np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    cut[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return _resize(cut, FACE_WIDTH_PX, FACE_HEIGHT_PX)


def _resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return a copy of another size."""
    how = cv2.INTER_LINEAR if height > pixels.shape[0] else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)


def _pixels(picture: Picture) -> Pixels | None:
    """Return a picture as RGB, (height, width, 3)."""
    if isinstance(picture, av.VideoFrame):
        return turn_upright(picture)
    if isinstance(picture, np.ndarray):
        return picture
    if isinstance(picture, bytes | bytearray | memoryview):
        data = np.frombuffer(picture, np.uint8)
        # The server, whose boxes these are, does not turn a picture as its EXIF says either.
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(data, flags) if len(data) else None
        return None if decoded is None else np.asarray(decoded, np.uint8)
    return None


def _jpeg(pixels: Pixels) -> bytes:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
