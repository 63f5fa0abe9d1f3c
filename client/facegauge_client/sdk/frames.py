"""Pictures in, the bytes of a frame out: what `send` and `assess_image` accept.

Arrays and decoded video frames travel as I420, which costs half of RGB and none of JPEG's loss; a picture of
an odd width or height travels as RGB24. Encoded bytes travel as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import av
import cv2
import numpy as np
import numpy.typing as npt

from facegauge_client.sdk.types import FrameEncoding

__all__ = ["EncodedFrame", "Picture", "VideoPacket", "encode", "turn_upright"]


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """A frame's bytes and how to read them; hand one to `send` for an encoding that nothing else gives.

    Width and height are in pixels, needed for RGB24, BGR24, I420 and NV12. Of coded video, one access unit
    is a frame; a keyframe is where decoding can begin, layer 0 depends on no other temporal layer (None: not
    known), and a discontinuity says that units before this one are missing.
    """

    encoding: FrameEncoding
    data: bytes
    width: int = 0
    height: int = 0
    keyframe: bool = False
    temporal_layer: int | None = None
    discontinuity: bool = False


if TYPE_CHECKING:
    VideoPacket: TypeAlias = av.Packet[Any]
else:
    VideoPacket = av.Packet

Picture: TypeAlias = (
    npt.NDArray[np.uint8] | bytes | bytearray | memoryview | av.VideoFrame | VideoPacket | EncodedFrame
)
"""RGB as uint8 (height, width, 3), the bytes of a JPEG, PNG or WebP, a PyAV frame, or an EncodedFrame; in a
stream of coded video a PyAV packet, or an EncodedFrame."""

_BT601 = 5
_UNSTATED_COLORSPACES = (0, 2)  # left at zero, and "unspecified": read as BT.601, as FFmpeg does
_BT601_COLORSPACES = (_BT601, 6, *_UNSTATED_COLORSPACES)
_FULL_RANGE = 2


def encode(picture: Picture) -> EncodedFrame:
    """Prepare one picture for the wire.

    Raises TypeError for what is no picture at all, ValueError for an array of a wrong shape and for bytes
    that are neither JPEG, PNG nor WebP. The result shares no memory with an array, which may be reused.
    """
    if isinstance(picture, EncodedFrame):
        return picture
    if isinstance(picture, av.VideoFrame):
        return _from_video_frame(picture)
    if isinstance(picture, av.Packet):
        raise TypeError("an av.Packet is coded video, no picture: send it in a stream with its encoding")
    if isinstance(picture, np.ndarray):
        return _from_array(picture)
    if isinstance(picture, bytes | bytearray | memoryview):
        return _from_bytes(bytes(picture))
    raise TypeError(
        f"a frame is a numpy array, the bytes of a JPEG, PNG or WebP, or an av.VideoFrame,"
        f" not {type(picture).__name__}"
    )


def _from_bytes(data: bytes) -> EncodedFrame:
    encoding = _sniff(data)
    if encoding is None:
        raise ValueError(
            f"these {len(data)} bytes are neither JPEG, PNG nor WebP; pass raw pixels as a numpy array,"
            " or as EncodedFrame with their encoding, width and height"
        )
    return EncodedFrame(encoding, data)


def _sniff(data: bytes) -> FrameEncoding | None:
    if data.startswith(b"\xff\xd8\xff"):
        return FrameEncoding.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return FrameEncoding.PNG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return FrameEncoding.WEBP
    return None


def _from_array(array: npt.NDArray[Any]) -> EncodedFrame:
    if array.dtype != np.uint8:
        raise TypeError(f"a frame's array is uint8 with values 0-255, not {array.dtype}")
    if array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(
            f"a frame's array is RGB of shape (height, width, 3), not {array.shape};"
            " repeat a gray picture three times, drop an alpha channel"
        )
    height, width = array.shape[:2]
    if not height or not width:
        raise ValueError(f"a frame has at least one pixel, this array is {width} x {height}")
    if height % 2 or width % 2:
        return EncodedFrame(FrameEncoding.RGB24, array.tobytes(), width, height)
    planes = cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_RGB2YUV_I420)
    return EncodedFrame(FrameEncoding.I420, planes.tobytes(), width, height)


def _from_video_frame(frame: av.VideoFrame) -> EncodedFrame:
    if not frame.width or not frame.height:
        raise ValueError("this av.VideoFrame is empty; send frames as the decoder gives them")
    if frame.width % 2 or frame.height % 2 or _quarter_turns(frame):
        return _from_array(turn_upright(frame))
    is_plain = (
        frame.format.name == "yuv420p"
        and int(frame.colorspace) in _BT601_COLORSPACES
        and int(frame.color_range) != _FULL_RANGE
    )
    if not is_plain:
        frame = frame.reformat(format="yuv420p", dst_colorspace=_BT601, dst_color_range="MPEG")
    data = frame.to_ndarray().tobytes()
    return EncodedFrame(FrameEncoding.I420, data, frame.width, frame.height)


def turn_upright(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Return a decoded frame as RGB, uint8 (height, width, 3), turned as its container says."""
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    return np.ascontiguousarray(np.rot90(pixels, _quarter_turns(frame)))


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Return the display rotation in quarters, counter-clockwise, as FFmpeg and numpy count them."""
    return round(frame.rotation / 90) % 4
