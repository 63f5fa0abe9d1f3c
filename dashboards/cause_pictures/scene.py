"""A person in a room, filmed: the NASA portrait of Eileen Collins before a drawn wall.

scikit-image carries the portrait, which is in the public domain.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from facegauge_server.types import Box, Pixels
from facegauge_training.data.clips import Clip

__all__ = ["film", "room"]

WIDTH, HEIGHT = 960, 720
DESK = 640
"""Where the desk begins, px from above."""
FACE = Box(175, 70, 95, 95)
"""Of the portrait, which is 512 px high."""
NEAR = 1.3
"""Enlargement of the portrait for somebody who sits at the desk."""
SWAY_PX = 12
"""Movement from one frame to the next."""
FRAMES = 7

Alpha = npt.NDArray[np.float32]


def room() -> Pixels:
    """Draw an empty place: a wall, a window, a chair and a desk."""
    drawn = np.full((HEIGHT, WIDTH, 3), (196, 188, 176), np.uint8)
    cv2.rectangle(drawn, (640, 90), (880, 330), (222, 234, 246), -1)
    cv2.rectangle(drawn, (640, 90), (880, 330), (120, 110, 100), 10)
    cv2.line(drawn, (760, 90), (760, 330), (120, 110, 100), 8)
    cv2.rectangle(drawn, (330, 330), (590, DESK), (70, 84, 110), -1)
    cv2.rectangle(drawn, (350, 350), (570, DESK), (86, 102, 132), -1)
    cv2.rectangle(drawn, (0, DESK), (WIDTH, HEIGHT), (128, 92, 62), -1)
    return drawn


def film(center: float = WIDTH / 2, face_px: float = NEAR * FACE.width, count: int = FRAMES) -> Clip:
    """Film the person.

    Args:
        center: of the face in the first frame, px from the left.
        face_px: width of the face.
        count: frames.
    """
    portrait, alpha = _cut_out()
    scale = face_px / FACE.width
    top = DESK + 60 - 512 * scale if face_px > FACE.width else DESK - 512 * scale
    frames, faces = [], []
    for number in range(count):
        left = center + SWAY_PX * number - scale * (FACE.x + FACE.width / 2)
        place = np.array([[scale, 0, left], [0, scale, top]], np.float32)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        frames.append(_over(room(), portrait, alpha, place, method))
        side = scale * FACE.width
        faces.append(Box(left + scale * FACE.x, top + scale * FACE.y, side, side))
    return Clip(frames, faces)


def _over(
    backdrop: Pixels, portrait: Pixels, alpha: Alpha, place: npt.NDArray[np.float32], method: int
) -> Pixels:
    """Put the person before a backdrop."""
    scale = float(place[0, 0])
    if method == cv2.INTER_AREA:  # which warpAffine does not know
        size = (round(512 * scale), round(512 * scale))
        portrait = np.asarray(cv2.resize(portrait, size, interpolation=method), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=method), np.float32)
        place = place.copy()
        place[0, 0] = place[1, 1] = 1
        method = cv2.INTER_LINEAR
    person = cv2.warpAffine(portrait, place, (WIDTH, HEIGHT), flags=method, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(alpha, place, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)[:, :, None]
    return (backdrop + (person.astype(np.float32) - backdrop) * share + 0.5).astype(np.uint8)


@cache
def _cut_out() -> tuple[Pixels, Alpha]:
    """Return the portrait and which part of it is the person: GrabCut from a rough outline."""
    portrait: Pixels = np.asarray(data.astronaut(), np.uint8)
    mask = np.full(portrait.shape[:2], cv2.GC_BGD, np.uint8)
    mask[5:, 60:470] = cv2.GC_PR_BGD
    shoulders = np.array([[40, 511], [70, 330], [140, 240], [310, 240], [380, 300], [440, 400], [450, 511]])
    chest = np.array([[110, 511], [130, 330], [170, 270], [280, 270], [330, 340], [340, 511]])
    cv2.ellipse(mask, (222, 120), (70, 105), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.fillPoly(mask, [shoulders], cv2.GC_PR_FGD)
    cv2.ellipse(mask, (222, 120), (40, 70), 0, 0, 360, cv2.GC_FGD, -1)
    cv2.fillPoly(mask, [chest], cv2.GC_FGD)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    # At half the size: it takes seconds.
    half = np.ascontiguousarray(portrait[::2, ::2, ::-1])
    guessed = np.ascontiguousarray(mask[::2, ::2])
    cv2.grabCut(half, guessed, (0, 0, 1, 1), *models, 3, cv2.GC_INIT_WITH_MASK)
    found = np.isin(guessed, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    outlines, _ = cv2.findContours(found, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(found), [max(outlines, key=cv2.contourArea)], -1, 1, -1)
    alpha = cv2.resize(whole.astype(np.float32), (512, 512), interpolation=cv2.INTER_LINEAR)
    return portrait, np.asarray(cv2.GaussianBlur(alpha, (0, 0), 1.0), np.float32)
