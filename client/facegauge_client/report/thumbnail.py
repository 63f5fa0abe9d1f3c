"""A frame as a small picture with the face marked, and the face by itself, both as JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_client.frames import Picture, turn_upright
from facegauge_client.types import Box

__all__ = ["Thumbnail", "thumbnail"]

FRAME_HEIGHT_PX = 180
FACE_WIDTH_PX, FACE_HEIGHT_PX = 135, 180
FACE_MARGIN = 0.4
"""Around the detector's box, as a share of it."""
JPEG_QUALITY = 80
MARK = (80, 255, 80)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """JPEG bytes."""

    frame: bytes
    face: bytes
    """Empty where no face is known."""


def thumbnail(picture: Picture, face: Box | None) -> Thumbnail | None:
    """Return the small pictures of a frame; None where its bytes cannot be read here."""
    pixels = _pixels(picture)
    if pixels is None:
        return None
    height, width = pixels.shape[:2]
    scale = FRAME_HEIGHT_PX / height
    size = (max(1, round(width * scale)), FRAME_HEIGHT_PX)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if face is None:
        return Thumbnail(_jpeg(small), b"")
    corners = (face.x, face.y), (face.x + face.width, face.y + face.height)
    start, end = ((round(x * scale), round(y * scale)) for x, y in corners)
    marked = cv2.rectangle(small.copy(), start, end, MARK, 2)
    return Thumbnail(_jpeg(marked), _jpeg(_face(pixels, face)))


def _face(pixels: npt.NDArray[np.uint8], face: Box) -> npt.NDArray[np.uint8]:
    """Return the face with some margin, (180, 135, 3); what lies outside of the frame is gray."""
    tall = max(round(face.height * (1 + 2 * FACE_MARGIN)), 4)
    wide = round(tall * FACE_WIDTH_PX / FACE_HEIGHT_PX)
    left, top = round(face.x + (face.width - wide) / 2), round(face.y + (face.height - tall) / 2)
    inside = pixels[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)]
    cut = np.full((tall, wide, 3), 128, np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    cut[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    how = cv2.INTER_LINEAR if tall < FACE_HEIGHT_PX else cv2.INTER_AREA
    return np.asarray(cv2.resize(cut, (FACE_WIDTH_PX, FACE_HEIGHT_PX), interpolation=how), np.uint8)


def _pixels(picture: Picture) -> npt.NDArray[np.uint8] | None:
    """Return a picture as RGB, (height, width, 3)."""
    if isinstance(picture, av.VideoFrame):
        return turn_upright(picture)
    if isinstance(picture, np.ndarray):
        return picture
    if isinstance(picture, bytes | bytearray | memoryview):
        data = np.frombuffer(picture, np.uint8)
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
        return None if decoded is None else np.asarray(decoded, np.uint8)
    return None


def _jpeg(pixels: cv2.typing.MatLike) -> bytes:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
