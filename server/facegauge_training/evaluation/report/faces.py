"""What a face is like, from its pristine crop: how bright, and how light its skin."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels

__all__ = ["TONES", "TONE_EDGES", "brightness", "typology_angle"]

TONE_EDGES = (-30.0, 10.0, 28.0, 41.0, 55.0)
TONES = ("dark", "brown", "tan", "intermediate", "light", "very light")
"""Between the edges: the classes of A. Chardon et al., International Journal of Cosmetic Science 13, 1991."""
CENTER = (0.5, 0.56)
"""Centre of the face in the crop: the crop's centre is a tenth of the box above the face's."""
HALF = (0.26, 0.2)
"""Half the width and height of the part that is measured, as shares of the crop: cheeks, nose, no hair."""


def brightness(crop: Pixels) -> float:
    """Return the mean luma of a crop, 0-255."""
    return float(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).mean())


def typology_angle(crop: Pixels) -> float:
    """Return the individual typology angle of the skin in a crop, degrees: the higher the lighter.

    atan((L* - 50) / b*) of the medians over pixels of the face's middle that have the hue of skin; NaN where
    fewer than a tenth have. Light and the camera's white balance shift it: it orders photos, not people.
    """
    height, width = crop.shape[:2]
    left, right = (round((CENTER[0] + side * HALF[0]) * width) for side in (-1, 1))
    top, bottom = (round((CENTER[1] + side * HALF[1]) * height) for side in (-1, 1))
    middle = np.ascontiguousarray(crop[top:bottom, left:right])
    _, red, blue = (c.astype(np.int16) for c in cv2.split(cv2.cvtColor(middle, cv2.COLOR_RGB2YCrCb)))
    skin: npt.NDArray[np.bool_] = (red > 133) & (red < 180) & (blue > 77) & (blue < 130)
    if skin.mean() < 0.1:
        return float("nan")
    lab = cv2.cvtColor(middle.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[skin]
    lightness, _, yellow = np.median(lab, axis=0)
    return float(np.degrees(np.arctan2(lightness - 50, max(float(yellow), 1e-3))))
