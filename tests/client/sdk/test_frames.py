"""What `send` accepts, and how it travels."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import Colorspace

from facegauge_client import EncodedFrame, FrameEncoding
from facegauge_client.sdk.frames import encode


def rgb_of(frame: EncodedFrame) -> npt.NDArray[np.uint8]:
    """Read a frame as the interface says it is to be read."""
    pixels = np.frombuffer(frame.data, np.uint8)
    if frame.encoding is FrameEncoding.RGB24:
        return pixels.reshape(frame.height, frame.width, 3)
    assert frame.encoding is FrameEncoding.I420
    planes = pixels.reshape(frame.height * 3 // 2, frame.width)
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)


def mean_error(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_an_array_travels_as_i420(astronaut: npt.NDArray[np.uint8]) -> None:
    """Half the bytes of RGB, and on average within two levels of 255 of it."""
    frame = encode(astronaut)
    assert (frame.encoding, frame.width, frame.height) == (FrameEncoding.I420, 512, 512)
    assert len(frame.data) == 512 * 512 * 3 // 2
    assert mean_error(rgb_of(frame), astronaut) < 2


@pytest.mark.parametrize("shape", [(511, 512), (512, 511), (511, 511), (1, 1)])
def test_odd_sizes_travel_as_rgb(astronaut: npt.NDArray[np.uint8], shape: tuple[int, int]) -> None:
    """I420 halves the chroma both ways, so an odd width or height goes without it, and loses nothing."""
    picture = astronaut[: shape[0], : shape[1]]
    frame = encode(picture)
    assert frame.encoding is FrameEncoding.RGB24
    assert np.array_equal(rgb_of(frame), picture)


def test_the_frame_shares_no_memory_with_the_array(astronaut: npt.NDArray[np.uint8]) -> None:
    """A media path may reuse its buffer as soon as send returns."""
    for buffer in (astronaut.copy(), astronaut[:511].copy()):
        frame = encode(buffer)
        before = frame.data
        buffer[:] = 0
        assert encode(buffer).data != before
        assert frame.data == before


@pytest.mark.parametrize(
    ("array", "error", "says"),
    [
        (np.zeros((8, 8, 3), np.float32), TypeError, "uint8 with values 0-255, not float32"),
        (np.zeros((8, 8, 3), np.uint16), TypeError, "not uint16"),
        (np.zeros((8, 8), np.uint8), ValueError, "repeat a gray picture three times"),
        (np.zeros((8, 8, 4), np.uint8), ValueError, "drop an alpha channel"),
        (np.zeros((0, 8, 3), np.uint8), ValueError, "at least one pixel"),
        (np.zeros((2, 8, 8, 3), np.uint8), ValueError, "of shape"),
    ],
)
def test_arrays_that_are_no_rgb_picture_are_refused(
    array: npt.NDArray[Any], error: type[Exception], says: str
) -> None:
    """Gray, alpha, float and empty arrays each get a sentence that says what to do."""
    with pytest.raises(error, match=says):
        encode(array)


@pytest.mark.parametrize(("extension", "encoding"), [(".jpg", "jpeg"), (".png", "png"), (".webp", "webp")])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_encoded_bytes_travel_as_they_are(
    astronaut: npt.NDArray[np.uint8], extension: str, encoding: str, kind: Any
) -> None:
    """JPEG, PNG and WebP are told by their first bytes and passed on untouched."""
    data = cv2.imencode(extension, astronaut)[1].tobytes()
    frame = encode(kind(data))
    assert (frame.encoding.value, frame.data, frame.width) == (encoding, data, 0)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF1234WAVE", bytes(1000)])
def test_other_bytes_are_refused(data: bytes) -> None:
    """Bytes of no known picture get a ValueError that names the ways to send raw pixels."""
    with pytest.raises(ValueError, match="neither JPEG, PNG nor WebP"):
        encode(data)


@pytest.mark.parametrize("thing", [None, "picture.jpg", 3, [[1, 2, 3]]])
def test_what_is_no_picture_is_a_type_error(thing: Any) -> None:
    """A path, a list or None is refused by its type."""
    with pytest.raises(TypeError, match=r"not (NoneType|str|int|list)"):
        encode(thing)


def test_a_plain_video_frame_is_not_converted(astronaut: npt.NDArray[np.uint8]) -> None:
    """yuv420p of BT.601 in limited range is I420 already: its planes travel bit by bit."""
    video = av.VideoFrame.from_ndarray(astronaut[:100, :60], format="rgb24").reformat(format="yuv420p")
    frame = encode(video)
    assert (frame.encoding, frame.width, frame.height) == (FrameEncoding.I420, 60, 100)
    assert frame.data == video.to_ndarray().tobytes()


@pytest.mark.parametrize(
    "pixel_format", ["yuv420p", "yuvj420p", "yuv444p", "nv12", "rgb24", "gray", "yuv420p10le"]
)
@pytest.mark.parametrize("size", [(100, 60), (101, 61)])
def test_video_frames_of_any_format_keep_their_colours(
    astronaut: npt.NDArray[np.uint8], pixel_format: str, size: tuple[int, int]
) -> None:
    """Whatever the decoder gives arrives as the picture that it shows."""
    source = np.ascontiguousarray(astronaut[50 : 50 + size[0], 180 : 180 + size[1]])
    video = av.VideoFrame.from_ndarray(source, format="rgb24").reformat(format=pixel_format)
    shown = np.asarray(video.to_ndarray(format="rgb24"), dtype=np.uint8)
    assert mean_error(rgb_of(encode(video)), shown) < 4


def test_hd_colours_are_converted_to_what_the_interface_says() -> None:
    """BT.709 planes, read as BT.601, would shift the colours: they are converted."""
    skin = np.full((64, 64, 3), (205, 120, 95), np.uint8)
    rgb = av.VideoFrame.from_ndarray(skin, format="rgb24")
    hd = rgb.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range="MPEG")
    passed_on = EncodedFrame(FrameEncoding.I420, hd.to_ndarray().tobytes(), 64, 64)
    assert mean_error(rgb_of(passed_on), skin) > 4.5
    assert mean_error(rgb_of(encode(hd)), skin) < 3


def test_an_encoded_frame_is_sent_as_it_is() -> None:
    """The way for encodings that nothing else gives, such as NV12."""
    frame = EncodedFrame(FrameEncoding.NV12, bytes(6), 2, 2)
    assert encode(frame) is frame
