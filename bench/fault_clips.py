"""Faults put into real clips at known times, and the clips they are put into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Box, CauseKind

__all__ = ["INSERTED", "TimedPicture", "faulty", "read_clip"]

Picture = npt.NDArray[np.uint8]

INSERTED = {
    "stopped": CauseKind.FREEZE,
    "standing": CauseKind.FREEZE,
    "low_frame_rate": CauseKind.LOW_FRAME_RATE,
    "black": CauseKind.BLACK,
    "covered": CauseKind.COVERED,
    "no_face": CauseKind.NO_FACE,
    "face_cut_off": CauseKind.FACE_CUT_OFF,
    "face_too_small": CauseKind.FACE_TOO_SMALL,
}
"""What can be put into a clip, and the fault that it is."""
MAX_LINES = 720
OUTSIDE = 0.25
"""Share of the face's box that is pushed out of the picture."""
SMALL_PX = 20
MOVES_FOR_S = 0.4
"""How long the face takes on its way out of the picture."""
SLOW_FPS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class TimedPicture:
    """A picture of a call."""

    capture_time_s: float
    pixels: Picture
    """RGB."""


def read_clip(path: Path, fps: float, limit_s: float = 1e9) -> list[TimedPicture]:
    """Return a clip's pictures at a rate, at 720 lines at most."""
    pictures: list[TimedPicture] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            at_s = float((frame.pts or 0) * (stream.time_base or Fraction(1)))
            if pictures and at_s > pictures[0].capture_time_s + limit_s:
                break
            if pictures and at_s < pictures[-1].capture_time_s + 1 / fps - 0.005:
                continue
            scale = min(1.0, MAX_LINES / min(frame.width, frame.height))
            size = (int(frame.width * scale) // 2 * 2, int(frame.height * scale) // 2 * 2)
            pixels = cv2.resize(frame.to_ndarray(format="rgb24"), size, interpolation=cv2.INTER_AREA)
            pictures.append(TimedPicture(at_s, np.asarray(pixels, np.uint8)))
    return pictures


def faulty(
    clip: list[TimedPicture],
    fault: str,
    face: Box,
    room: Picture,
    fps: float,
    spans_s: tuple[float, float, float],
) -> Iterator[TimedPicture]:
    """Yield a clip, played to and fro, with a fault in the middle.

    Args:
        clip: its pictures.
        fault: of `INSERTED`; empty for none.
        face: where the main face is in them.
        room: a picture without a face.
        fps: at which it is played.
        spans_s: how long it is well, faulty and well again.
    """
    before_s, fault_s, _ = spans_s
    random = np.random.default_rng(0)
    last_s = -1.0
    for number in range(round(sum(spans_s) * fps)):
        at_s = number / fps
        turn = number % max(1, 2 * len(clip) - 2)
        picture = clip[turn if turn < len(clip) else 2 * len(clip) - 2 - turn].pixels
        if before_s <= at_s < before_s + fault_s:
            if fault == "stopped" or (fault == "low_frame_rate" and at_s < last_s + 1 / SLOW_FPS - 1e-6):
                continue
            if fault == "standing":
                picture = clip[0].pixels
            elif fault not in ("", "low_frame_rate"):
                share = min(1.0, (at_s - before_s) / MOVES_FOR_S)
                picture = _changed(picture, fault, face, room, random, share)
        last_s = at_s
        yield TimedPicture(at_s, picture)


def _changed(
    picture: Picture, fault: str, face: Box, room: Picture, random: np.random.Generator, share: float
) -> Picture:
    """Return a faulty picture; `share` is how far the face has come on its way."""
    height, width = picture.shape[:2]
    if fault == "black":
        return _noisy(np.full_like(picture, 8), 4, random)
    if fault == "covered":
        corners = np.array([[[70, 25, 15], [120, 45, 30]], [[90, 30, 20], [150, 60, 40]]], np.uint8)
        return _noisy(cv2.resize(corners, (width, height)), 4, random)
    backdrop = np.asarray(cv2.resize(room, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if fault == "no_face":
        return _noisy(backdrop, 2, random)
    if fault == "face_cut_off":
        shift = np.array([[1, 0, -share * (face.x + OUTSIDE * face.width)], [0, 1, 0]], np.float32)
        moved = cv2.warpAffine(picture, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)
    scale = SMALL_PX / face.short_side
    inset = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (height - inset.shape[0]) // 2, (width - inset.shape[1]) // 2
    small = _noisy(backdrop, 2, random)
    small[top : top + inset.shape[0], left : left + inset.shape[1]] = inset
    return small


def _noisy(picture: npt.ArrayLike, strength: float, random: np.random.Generator) -> Picture:
    pixels = np.asarray(picture, np.float32)
    grain = random.normal(0, strength, (*pixels.shape[:2], 1)).astype(np.float32)
    return np.asarray(np.clip(pixels + grain, 0, 255), np.uint8)
