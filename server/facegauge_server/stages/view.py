"""Frame -> View: how black, how plain and how still a picture is, from a few thousand of its points.

Reading every pixel would cost more than finding the faces again does. The points lie on a grid of about 45
lines; luma is made of them alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.faults.definitions import ALIKE_BLOCK_LEVELS, BLACK_LEVEL
from facegauge_server.types import FaceBoxes, Frame, View

__all__ = ["StillState", "look"]

GRID_LINES = 45
TEXTURE_BLOCK = 5
"""Points of the grid along each side of a block whose mean is compared: noise averages out in it."""
STILL_BLOCKS = 8
LEAST_PICTURES = 3
"""Pictures alike that are a standing one; of two, somebody may just look the same."""

Luma = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class StillState:
    """The picture since which all others have been the same, of one stream. Small and picklable."""

    points: Luma | None = None
    """None where it was taken over without its picture: the next one is held to be the same."""
    since_s: float = 0.0
    """Its capture time."""
    pictures: int = 0
    """Alike, with itself."""


def look(boxes: FaceBoxes, still: StillState) -> tuple[View, StillState]:
    """Return what a frame shows, and the state to compare the stream's next one with.

    Args:
        boxes: of the frame, which may have any size.
        still: after the frame before.
    """
    frame = boxes.frame
    luma = _luma(frame)
    after = _compare(luma, still, frame.capture_time_s)
    view = View(
        frame.width,
        frame.height,
        black_share=float((luma <= round(255 * BLACK_LEVEL)).mean()),
        texture=_texture(luma),
        still_s=frame.capture_time_s - after.since_s if after.pictures >= LEAST_PICTURES else 0.0,
        faceless_s=boxes.faceless_s,
        largest=boxes.largest,
    )
    return view, after


def _luma(frame: Frame) -> Luma:
    step = max(1, round(min(frame.width, frame.height) / GRID_LINES))
    points = np.ascontiguousarray(frame.pixels[step // 2 :: step, step // 2 :: step])
    return np.asarray(cv2.cvtColor(points, cv2.COLOR_RGB2GRAY), np.uint8)


def _texture(luma: Luma) -> float:
    """Return the mean difference of neighbouring blocks, levels; 0 for a picture too small to have them."""
    height, width = luma.shape
    size = (width // TEXTURE_BLOCK, height // TEXTURE_BLOCK)
    if min(size) < 2:
        return 0.0
    blocks = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    down, across = cv2.absdiff(blocks[1:], blocks[:-1]), cv2.absdiff(blocks[:, 1:], blocks[:, :-1])
    return float(down.mean() + across.mean()) / 2


def _compare(points: Luma, still: StillState, at_s: float) -> StillState:
    before = still.points
    if before is None and still.pictures:
        return StillState(points, still.since_s, still.pictures + 1)
    if before is not None and before.shape == points.shape and _are_alike(before, points):
        return StillState(before, still.since_s, still.pictures + 1)
    return StillState(points, at_s, 1)


def _are_alike(one: Luma, other: Luma) -> bool:
    difference = cv2.absdiff(one, other).astype(np.float32)
    size = (min(STILL_BLOCKS, one.shape[1]), min(STILL_BLOCKS, one.shape[0]))
    return bool(cv2.resize(difference, size, interpolation=cv2.INTER_AREA).max() <= ALIKE_BLOCK_LEVELS)
