"""Cut a face out of a frame: the one definition of the crop, in serving and in training.

Its geometry stands in `crop_spec.py`. At a frame's edge the crop shifts inwards; where the frame is too
small to hold it, the missing rows and columns repeat the edge. It is never squashed.

The pixels come from the frame at its native resolution, except that a frame with more lines than the
display shows is first reduced to them: what the viewer's screen drops, the score must not see.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.crop_spec import ASPECT_RATIO, HEIGHTEN, RAISE, WIDEN
from facegauge_server.face_limits import MIN_FACE_PX
from facegauge_server.types import Box, FaceBoxes, FaceCrop, FaceCrops, Pixels

__all__ = ["crop_box", "crop_faces", "crop_region"]

BLURRED_UP_TO = 3.0
"""Shrinking by more takes a mean over more pixels than a blur of three can give."""


def crop_box(face: Box, frame_width: int, frame_height: int) -> Box:
    """Return the 3:4 rectangle to cut out for a face, shifted into the frame as far as it fits.

    The result may still be larger than the frame in one dimension or both; `crop_region` pads then.
    """
    width = face.width * WIDEN
    height = face.height * HEIGHTEN
    width, height = max(width, height * ASPECT_RATIO), max(height, width / ASPECT_RATIO)
    center_x = face.x + face.width / 2
    center_y = face.y + face.height / 2 - face.height * RAISE
    return Box(
        _shift_inside(center_x - width / 2, width, frame_width),
        _shift_inside(center_y - height / 2, height, frame_height),
        width,
        height,
    )


def crop_region(
    pixels: Pixels, region: Box, input_width: int, input_height: int, display_lines: int = 720
) -> Pixels:
    """Cut `region` out of a picture and resize it, antialiased, to the student's input.

    Args:
        pixels: RGB, uint8, (height, width, 3), at native resolution.
        region: what `crop_box` returned for this picture.
        input_width: of the student, pixels.
        input_height: of the student, pixels.
        display_lines: lines (the shorter side of the picture) that the viewer's display shows.

    Returns:
        RGB, uint8, (input_height, input_width, 3), contiguous.
    """
    frame_height, frame_width = pixels.shape[:2]
    left, top = round(region.x), round(region.y)
    right, bottom = (
        max(left + 1, round(region.x + region.width)),
        max(top + 1, round(region.y + region.height)),
    )
    cut: cv2.typing.MatLike = pixels[
        max(top, 0) : min(bottom, frame_height), max(left, 0) : min(right, frame_width)
    ]
    if left < 0 or top < 0 or right > frame_width or bottom > frame_height:
        cut = cv2.copyMakeBorder(
            cut,
            max(-top, 0),
            max(bottom - frame_height, 0),
            max(-left, 0),
            max(right - frame_width, 0),
            cv2.BORDER_REPLICATE,
        )
    shown_share = min(1.0, display_lines / min(frame_width, frame_height))
    shown_width = max(1, round((right - left) * shown_share))
    if shown_share < 1.0 and shown_width < input_width:
        shown_height = max(1, round((bottom - top) * shown_share))
        cut = _resize(cut, shown_width, shown_height)
    return _resize(cut, input_width, input_height)


def crop_faces(boxes: FaceBoxes, input_width: int, input_height: int, display_lines: int = 720) -> FaceCrops:
    """Cut out every face of a frame that has at least `MIN_FACE_PX` on its short side."""
    frame = boxes.frame
    crops = tuple(
        FaceCrop(
            face,
            crop_region(
                frame.pixels,
                crop_box(face.box, frame.width, frame.height),
                input_width,
                input_height,
                display_lines,
            ),
        )
        for face in boxes.faces
        if face.box.short_side >= MIN_FACE_PX
    )
    too_small = tuple(face for face in boxes.faces if face.box.short_side < MIN_FACE_PX)
    return FaceCrops(frame.sequence, frame.capture_time_s, crops, too_small)


def _shift_inside(start: float, length: float, limit: int) -> float:
    """Move an interval into 0..limit; centre it there when it is longer than the limit."""
    if length >= limit:
        return (limit - length) / 2
    return min(max(start, 0.0), limit - length)


def _resize(pixels: cv2.typing.MatLike, width: int, height: int) -> Pixels:
    """Resize antialiased when shrinking, bilinearly when growing.

    A shrunk pixel is the mean over what it covers. Down to a third of the size, a blur over three pixels and
    linear sampling come close to that in a quarter of the time of OpenCV's INTER_AREA: scores of faces move
    by 0.002 (mean of 128).
    """
    shrinks_x, shrinks_y = pixels.shape[1] / width, pixels.shape[0] / height
    if width < pixels.shape[1] and max(shrinks_x, shrinks_y) > BLURRED_UP_TO:
        return _as_pixels(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))
    if width < pixels.shape[1]:
        pixels = cv2.sepFilter2D(
            pixels, -1, _blur(shrinks_x), _blur(shrinks_y), borderType=cv2.BORDER_REPLICATE
        )
    return _as_pixels(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR))


def _blur(shrinks: float) -> npt.NDArray[np.float32]:
    """Return the three weights that give linear sampling the second moment of a mean over `shrinks` pixels.

    A pixel is 1 wide, so the mean's is (shrinks^2 + 1) / 12; linear sampling has 1/6, the blur adds the rest.
    """
    variance = max(0.0, shrinks * shrinks - 1) / 12
    return np.array([variance / 2, 1 - variance, variance / 2], np.float32)


def _as_pixels(picture: cv2.typing.MatLike) -> Pixels:
    return np.ascontiguousarray(picture, dtype=np.uint8)
