"""A decoded picture of a video -> RGB pixels, as the client makes them of the same picture.

Most pictures of calls are 4:2:0 in BT.601's limited range: their planes go through the conversion that an
I420 frame goes through, so that coded video and its decoded pictures get the same score. What is not so is
made so first.
"""

from __future__ import annotations

import av
import cv2
import numpy as np

from facegauge_server.types import Pixels

__all__ = ["rgb_pixels"]

BT601 = 5
BT601_COLORSPACES = (BT601, 6, 0, 2)
"""Those last two are unstated, and read as BT.601."""
FULL_RANGE = 2


def rgb_pixels(picture: av.VideoFrame) -> Pixels:
    """Return a picture's pixels: RGB, uint8, (height, width, 3)."""
    if picture.width % 2 or picture.height % 2:
        return np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
    is_plain = (
        picture.format.name == "yuv420p"
        and int(picture.colorspace) in BT601_COLORSPACES
        and int(picture.color_range) != FULL_RANGE
    )
    if not is_plain:
        picture = picture.reformat(format="yuv420p", dst_colorspace=BT601, dst_color_range="MPEG")
    return np.asarray(cv2.cvtColor(picture.to_ndarray(), cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)
