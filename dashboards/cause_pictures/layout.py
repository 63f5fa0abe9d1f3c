"""Pictures side by side under captions, and as small files."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from facegauge_server.types import Box, Pixels

__all__ = ["MAX_BYTES", "around", "column", "row", "small_jpeg", "whole"]

MAX_BYTES = 15_000
TILE = (240, 180)
"""Width and height, px, of one picture in another."""
GAP = 6
CAPTION = 18
PAPER, INK = 255, (60, 60, 60)


def around(frame: Pixels, face: Box) -> Pixels:
    """Cut a tile around a face, without changing a pixel."""
    width, height = TILE
    left = round(min(max(face.x + face.width / 2 - width / 2, 0), frame.shape[1] - width))
    top = round(min(max(face.y + face.height / 2 - height / 2, 0), frame.shape[0] - height))
    return frame[top : top + height, left : left + width]


def whole(frame: Pixels, width: int = TILE[0]) -> Pixels:
    """Bring a frame of 4:3 to a width."""
    return np.asarray(cv2.resize(frame, (width, width * 3 // 4), interpolation=cv2.INTER_AREA), np.uint8)


def row(tiles: Sequence[tuple[str, Pixels]]) -> Pixels:
    """Put tiles of one size side by side, each under its caption."""
    height, width = tiles[0][1].shape[:2]
    sheet = np.full((height + CAPTION, len(tiles) * (width + GAP) - GAP, 3), PAPER, np.uint8)
    for number, (caption, tile) in enumerate(tiles):
        left = number * (width + GAP)
        sheet[CAPTION:, left : left + width] = tile
        place = (left + 1, CAPTION - 5)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return sheet


def column(upper: Pixels, lower: Pixels) -> Pixels:
    """Put two rows of one width over each other."""
    return np.vstack([upper, np.full((GAP, upper.shape[1], 3), PAPER, np.uint8), lower])


def small_jpeg(picture: Pixels) -> bytes:
    """Return a picture as JPEG, as good as `MAX_BYTES` allow.

    Raises:
        ValueError: at no quality that is worth looking at does it fit.
    """
    for quality in range(92, 30, -4):
        coded = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(coded) < MAX_BYTES:
            return coded
    height, width = picture.shape[:2]
    raise ValueError(
        f"A picture of {width}x{height} px does not fit into {MAX_BYTES} bytes: make it smaller."
    )
