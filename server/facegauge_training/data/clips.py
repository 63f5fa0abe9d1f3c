"""Clips at the size of a call: short moving ones out of photos, and videos brought to the same lines.

A photo's clip shows what a call's camera would see: the photo lies on a blurred, enlarged copy of itself (a
call's soft background) in a picture of 720 lines; it pans, zooms and rocks a little, and the face's box moves
with it. A still would hide what codecs do. The photo is never enlarged beyond 1.1: what has no detail cannot
lose any.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegauge_server.types import Box, Pixels

__all__ = ["FRAMES", "LINES", "Clip", "at_display_lines", "make_clip"]

LINES = 720
"""Lines of the display, and of every pristine clip."""
FRAMES = 7
"""Frames of a clip: the encoder starts on the first ones, labels come from the later ones."""
WIDTHS = (960, 1280, 1280, 720)
MAX_FACE = 420
MAX_ENLARGEMENT = 1.1
FAR_FACE = (45.0, 150.0)
"""Heights, px, of faces far from the camera."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Consecutive frames, RGB uint8 (720, width, 3), 25 a second, with the face's box in each."""

    frames: list[Pixels]
    faces: list[Box]


def make_clip(
    picture: Pixels,
    face: Box,
    rng: np.random.Generator,
    far: bool = False,
    pace: float = 1.0,
    count: int = FRAMES,
) -> Clip:
    """Film a photo.

    Args:
        picture: RGB, uint8, (height, width, 3).
        face: the detector's box in it, pixels.
        rng: decides size, place and motion.
        far: whether the person sits far from the camera.
        pace: times the motion of a quiet listener: 2 px a frame at most.
        count: frames; the first ones are the same however many there are.

    Returns:
        A clip of `count` frames in which the face is some 150 to 420 px high, or `FAR_FACE`.
    """
    width = int(rng.choice(WIDTHS))
    largest = min(MAX_FACE, face.height * MAX_ENLARGEMENT)
    smallest = min(max(190.0, face.height * 0.5), face.height * 0.95)
    if far:
        smallest, largest = FAR_FACE
    scale = float(np.exp(rng.uniform(np.log(smallest), np.log(max(largest, smallest))))) / face.height
    pan = pace * rng.uniform(-2.0, 2.0, 2)  # px a frame
    zoom = pace * rng.uniform(-0.003, 0.003)  # a frame
    turn = pace * rng.uniform(-0.15, 0.15)  # degrees a frame
    center = np.array([width * rng.uniform(0.35, 0.65), LINES * rng.uniform(0.45, 0.55)])

    backdrop = _backdrop(picture, width)
    reduced = min(1.0, scale * 1.05)
    photo = cv2.resize(picture, None, fx=reduced, fy=reduced, interpolation=cv2.INTER_AREA)
    margin = (
        photo.shape[0] // 4
    )  # beyond its edges the photo is mirrored and fades into the backdrop: no seam
    feather = np.pad(np.ones(photo.shape[:2], np.float32), margin, mode="linear_ramp")
    photo = cv2.copyMakeBorder(photo, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
    face_center = np.array([face.x + face.width / 2, face.y + face.height / 2])

    frames, faces = [], []
    for t in range(count):
        zoomed = scale * (1 + zoom * t)
        place = center + pan * t
        pivot = face_center * reduced + margin
        matrix = cv2.getRotationMatrix2D((float(pivot[0]), float(pivot[1])), turn * t, zoomed / reduced)
        matrix[:, 2] += place - pivot
        moved = cv2.warpAffine(
            photo, matrix, (width, LINES), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
        )
        alpha = cv2.warpAffine(feather, matrix, (width, LINES), flags=cv2.INTER_LINEAR)[:, :, None]
        frames.append((backdrop + (moved - backdrop) * alpha + 0.5).clip(0, 255).astype(np.uint8))
        size = np.array([face.width, face.height]) * zoomed
        left, top = place - size / 2
        faces.append(Box(float(left), float(top), float(size[0]), float(size[1])))
    return Clip(frames, faces)


def _backdrop(picture: Pixels, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Cover a frame with the photo, enlarged and blurred: float32 (720, width, 3)."""
    height, own_width = picture.shape[:2]
    cover = max(LINES / height, width / own_width)
    small = cv2.resize(picture, None, fx=cover / 8, fy=cover / 8, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.5)
    large = cv2.resize(small, None, fx=8.2, fy=8.2, interpolation=cv2.INTER_CUBIC)
    top, left = (large.shape[0] - LINES) // 2, (large.shape[1] - width) // 2
    return large[top : top + LINES, left : left + width].astype(np.float32)


def at_display_lines(frames: list[Pixels], faces: list[Box]) -> Clip:
    """Bring a video's frames to `LINES` lines; portrait ones are cut to a square around the face first.

    Args:
        frames: of one size.
        faces: the face's box in each.
    """
    height, width = frames[0].shape[:2]
    center = float(np.mean([face.y + face.height / 2 for face in faces]))
    top = round(min(max(center - width / 2, 0), height - width)) if height > width else 0
    side = min(height, width)
    share = LINES / side
    size = (2 * round(width * share / 2), LINES)
    method = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    shown = [
        cv2.resize(frame[top : top + side], size, interpolation=method).astype(np.uint8, copy=False)
        for frame in frames
    ]
    moved = [Box(f.x * share, (f.y - top) * share, f.width * share, f.height * share) for f in faces]
    return Clip(shown, moved)
