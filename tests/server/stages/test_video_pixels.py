"""Pictures of coded video get the pixels that the same pictures get when they are sent raw."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.coded_types import Pick, Unit, UnitRun
from facegauge_server.stages.decode import decode
from facegauge_server.stages.decode_video import VideoDecoder
from facegauge_server.stages.video_pixels import rgb_pixels
from facegauge_server.types import EncodedFrame, Encoding
from tests.coded_video import encode_units, moving

MAX_PIXELS, MAX_SIDE = 4096 * 2304, 8192


def decoded(astronaut: npt.NDArray[np.uint8], width: int, height: int) -> av.VideoFrame:
    """Return a picture as a decoder leaves it, in rows that are longer than the picture."""
    (data,) = encode_units(Encoding.VP8, moving(astronaut, 1, width, height))
    unit = Unit(EncodedFrame(0, 0.0, Encoding.VP8, data), is_key=True, starts=True)
    _, picture = VideoDecoder(MAX_PIXELS, MAX_SIDE).decode(UnitRun((unit,), Pick.NEWEST))
    assert picture is not None
    return picture.frame


@pytest.mark.parametrize(("width", "height"), [(320, 240), (322, 242), (178, 318)])
def test_the_pixels_are_those_of_the_raw_picture(
    astronaut: npt.NDArray[np.uint8], width: int, height: int
) -> None:
    """Bit by bit, also where a decoder's rows end in samples that are not of the picture."""
    picture = decoded(astronaut, width, height)
    if width % 64:
        assert picture.planes[0].line_size > width
    raw = EncodedFrame(0, 0.0, Encoding.I420, picture.to_ndarray().tobytes(), width, height)
    assert np.array_equal(rgb_pixels(picture), decode(raw, MAX_PIXELS, MAX_SIDE).pixels)


def test_what_is_not_limited_range_is_made_so_first() -> None:
    """White of full range (255) and of limited range (235) are both white."""
    full = av.VideoFrame(64, 48, "yuvj420p")
    for plane, level in zip(full.planes, (255, 128, 128), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    limited = av.VideoFrame(64, 48, "yuv420p")
    for plane, level in zip(limited.planes, (235, 128, 128), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    assert rgb_pixels(full).min() >= 253
    assert rgb_pixels(limited).min() >= 253
