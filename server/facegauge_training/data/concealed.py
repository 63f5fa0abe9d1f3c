"""Compare a concealed picture with what it is made of: parts of several moments.

A decoder that conceals lost packets shows parts of earlier pictures beside parts of the present one. Against
any single moment VMAF takes a part that is 5 px away for a ruin, though a viewer sees a face with a tear
at most. Against a patchwork of the moments that the parts are from it sees no tear at all. So the label of a
concealed crop is the mean of both opinions.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegauge_server.types import Pixels

__all__ = ["patchwork"]

PATCH = 24
"""Px of a crop."""


def patchwork(shown: Pixels, moments: list[Pixels]) -> Pixels:
    """Return the picture whose patches are those of the moments that come nearest to what is shown.

    Args:
        shown: RGB, uint8, (height, width, 3).
        moments: references of the same size; among equals the first one counts.
    """
    height, width = shown.shape[:2]
    grid = (-(-width // PATCH), -(-height // PATCH))
    errors = []
    for moment in moments:
        squared = np.square(shown.astype(np.float32) - moment).mean(axis=2)
        errors.append(cv2.resize(squared, grid, interpolation=cv2.INTER_AREA))
    nearest = np.argmin(np.stack(errors), axis=0).astype(np.uint8)
    which = cv2.resize(nearest, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.stack(moments)[which, np.arange(height)[:, None], np.arange(width)[None]]
