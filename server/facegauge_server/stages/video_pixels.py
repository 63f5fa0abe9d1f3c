"""A decoded picture of a video -> RGB pixels, as the client makes them of the same picture.

Most pictures of calls are 4:2:0 in BT.601's limited range: their planes go through the conversion that an
I420 frame goes through, so that coded video and its decoded pictures get the same score. What is not so is
made so first. Luma, which is two thirds of a picture, is read where the decoder left it.
"""

from __future__ import annotations

import av
import cv2
import numpy as np
import numpy.typing as npt

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
    luma, *chroma = (_samples(plane) for plane in picture.planes)
    interleaved = cv2.merge(chroma)  # as NV12: the same arithmetic, without a copy of the luma
    return np.asarray(cv2.cvtColorTwoPlane(luma, interleaved, cv2.COLOR_YUV2RGB_NV12), dtype=np.uint8)


def _samples(plane: av.video.plane.VideoPlane) -> npt.NDArray[np.uint8]:
    """Return a plane's samples, (height, width), where they lie: rows may be longer than the picture."""
    samples: npt.NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return samples.reshape(plane.height, plane.line_size)[:, : plane.width]
