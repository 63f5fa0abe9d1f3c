"""EncodedFrame -> Frame: bytes to RGB pixels, refusing what is broken or too large before decoding it.

JPEG goes through simplejpeg (libjpeg-turbo), PNG and WebP through OpenCV; raw pixels are only reordered. An
orientation noted in a JPEG's EXIF is ignored, as a video's frames carry none: `facegauge assess` turns
photographs upright before it sends them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import cv2
import numpy as np
import simplejpeg

from facegauge_server.errors import BadFrame
from facegauge_server.frame_size import check_size
from facegauge_server.types import EncodedFrame, Encoding, Frame, Pixels

__all__ = ["decode"]

MAX_JPEG_SCANS = 100
"""Passes over the picture; encoders make ten. A file of a few kilobytes can ask for hours of them."""


def decode(frame: EncodedFrame, max_pixels: int, max_side: int) -> Frame:
    """Return the frame's pixels: RGB, uint8, (height, width, 3).

    Args:
        frame: as it came over the wire.
        max_pixels: of width times height.
        max_side: of width and of height, pixels. Sizes are read from the header and checked before any
            memory is taken, as is the aspect ratio.

    Raises:
        BadFrame: says what is wrong with the frame, in words for whoever sent it.
    """
    if not math.isfinite(frame.capture_time_s):
        raise BadFrame(f"capture_time_s must be a finite number, not {frame.capture_time_s}")
    if frame.encoding.is_coded:
        raise BadFrame(
            f"{frame.encoding.name} is coded video: send it to MonitorStream, in a stream whose "
            "StreamConfig.encoding is of coded video"
        )
    if frame.encoding.is_raw:
        check_size(frame.width, frame.height, max_pixels, max_side)
        pixels = _decode_raw(frame)
    else:
        pixels = _decode_compressed(frame, max_pixels, max_side)
    return Frame(frame.sequence, frame.capture_time_s, pixels)


def _decode_compressed(frame: EncodedFrame, max_pixels: int, max_side: int) -> Pixels:
    name = frame.encoding.name
    if not frame.data:
        raise BadFrame(f"the frame is empty: its data must be a {name} file")
    try:
        width, height = HEADER_READERS[frame.encoding](frame.data)
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise BadFrame(f"the data is no {name} file: check the frame's encoding") from error
    check_size(width, height, max_pixels, max_side)
    declared = (frame.width or width, frame.height or height)
    if declared != (width, height):
        raise BadFrame(f"the picture is {width}x{height}, not {declared[0]}x{declared[1]} as declared")
    if frame.encoding is Encoding.JPEG:
        return _decode_jpeg(frame.data)
    if frame.encoding is Encoding.PNG:
        _check_png_chunks(frame.data)
    picture = cv2.imdecode(
        np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if picture is None:
        raise BadFrame(f"the {name} file is damaged or cut short")
    return np.asarray(picture, dtype=np.uint8)


def _decode_jpeg(data: bytes) -> Pixels:
    try:
        # Colour is enlarged by repetition rather than by interpolation: 45% less time for a 720p frame, and
        # the score of a face moves by 0.007 (mean of 375), a fifth of what JPEG itself moves it by.
        pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True, fastupsample=True)
    except (ValueError, KeyError) as error:
        # What libjpeg-turbo will not turn into RGB (CMYK) OpenCV may; what is damaged stays refused.
        picture = None
        if "color" in str(error).lower():
            flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if picture is None:
            raise BadFrame(f"the JPEG file is damaged or cut short ({error})") from error
        pixels = np.asarray(picture, dtype=np.uint8)
    return pixels


def _decode_raw(frame: EncodedFrame) -> Pixels:
    width, height = frame.width, frame.height
    planar = frame.encoding in (Encoding.I420, Encoding.NV12)
    if planar and (width % 2 or height % 2):
        raise BadFrame(f"{frame.encoding.name} needs an even width and height, not {width}x{height}")
    expected_bytes = width * height * 3 // 2 if planar else width * height * 3
    if len(frame.data) != expected_bytes:
        raise BadFrame(
            f"{frame.encoding.name} of {width}x{height} has {expected_bytes} bytes, "
            f"the frame has {len(frame.data)}"
        )
    data = np.frombuffer(frame.data, np.uint8)
    if frame.encoding is Encoding.RGB24:
        return data.reshape(height, width, 3)
    if frame.encoding is Encoding.BGR24:
        return _as_pixels(cv2.cvtColor(data.reshape(height, width, 3), cv2.COLOR_BGR2RGB))
    conversion = cv2.COLOR_YUV2RGB_I420 if frame.encoding is Encoding.I420 else cv2.COLOR_YUV2RGB_NV12
    return _as_pixels(cv2.cvtColor(data.reshape(height * 3 // 2, width), conversion))


def _as_pixels(picture: cv2.typing.MatLike) -> Pixels:
    return np.asarray(picture, dtype=np.uint8)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=False)
    if data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise BadFrame(f"the JPEG file has more than {MAX_JPEG_SCANS} scans: encode it as baseline JPEG")
    return width, height


def _png_size(data: bytes) -> tuple[int, int]:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        raise ValueError("no PNG")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _check_png_chunks(data: bytes) -> None:
    """Raise BadFrame where a chunk claims more bytes than the file has: OpenCV takes the memory first."""
    start = 8
    kind = b""
    while kind != b"IEND":
        if start + 12 > len(data):
            raise BadFrame("the PNG file is damaged or cut short")
        (length,) = struct.unpack_from(">I", data, start)
        kind = data[start + 4 : start + 8]
        start += 12 + length


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read the size from the first chunk of a RIFF/WEBP file (RFC 9649)."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("no WebP")
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return width, height
    raise ValueError("no WebP")


HEADER_READERS: dict[Encoding, Callable[[bytes], tuple[int, int]]] = {
    Encoding.JPEG: _jpeg_size,
    Encoding.PNG: _png_size,
    Encoding.WEBP: _webp_size,
}
