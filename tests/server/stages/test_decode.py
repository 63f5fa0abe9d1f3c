"""decode: seven encodings to the same pixels; whatever is broken or too large is a BadFrame that says why."""

from __future__ import annotations

import resource
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facegauge_server.errors import BadFrame
from facegauge_server.stages.decode import decode
from facegauge_server.types import EncodedFrame, Encoding, Frame, Pixels

MAX_PIXELS = 4096 * 2304
MAX_SIDE = 8192

COMPRESSED = (Encoding.JPEG, Encoding.PNG, Encoding.WEBP)
MAGIC = {
    Encoding.JPEG: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
    Encoding.PNG: b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR",
    Encoding.WEBP: b"RIFF\x00\x10\x00\x00WEBPVP8 ",
}


def encode(pixels: Pixels, encoding: Encoding) -> bytes:
    """What a caller would send for an RGB picture."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    if encoding in COMPRESSED:
        quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if encoding is Encoding.JPEG else []
        written, data = cv2.imencode(f".{encoding}", bgr, quality)
        assert written
        return data.tobytes()
    if encoding is Encoding.RGB24:
        return pixels.tobytes()
    if encoding is Encoding.BGR24:
        return bgr.tobytes()
    i420 = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)
    if encoding is Encoding.I420:
        return i420.tobytes()
    height = len(pixels)
    chroma = i420[height:].reshape(2, -1)  # the planes of U and V
    return i420[:height].tobytes() + np.ascontiguousarray(chroma.T).tobytes()


def try_decode(data: bytes, encoding: Encoding, width: int = 0, height: int = 0) -> Frame:
    return decode(EncodedFrame(7, 1.5, encoding, data, width, height), MAX_PIXELS, MAX_SIDE)


PNG_END = bytes(4) + b"IEND\xae\x42\x60\x82"
SCAN = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + PNG_END
    )


def jpeg_header(width: int, height: int) -> bytes:
    components = bytes((3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1))
    return b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + components + SCAN


def webp_header(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size


@pytest.mark.parametrize("encoding", [encoding for encoding in Encoding if not encoding.is_coded])
def test_every_encoding_gives_the_same_picture(astronaut: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """Colours and their order survive: exactly without loss, closely with it, swapped never."""
    frame = try_decode(encode(astronaut, encoding), encoding, 512, 512)
    assert (frame.sequence, frame.capture_time_s) == (7, 1.5)
    assert (frame.width, frame.height) == (512, 512)
    assert frame.pixels.dtype == np.uint8
    difference = np.abs(frame.pixels.astype(int) - astronaut).mean()
    assert difference <= (0 if encoding in (Encoding.PNG, Encoding.RGB24, Encoding.BGR24) else 4)


@pytest.mark.parametrize("encoding", [encoding for encoding in Encoding if not encoding.is_coded])
def test_width_and_height_are_not_swapped(astronaut: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """A wide picture comes out wide."""
    wide = np.ascontiguousarray(astronaut[100:300, :500])
    assert try_decode(encode(wide, encoding), encoding, 500, 200).pixels.shape == (200, 500, 3)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_grey_pictures_become_rgb(astronaut: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """A file with one channel gives three equal ones."""
    _, data = cv2.imencode(f".{encoding}", cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY))
    pixels = try_decode(data.tobytes(), encoding).pixels
    assert pixels.shape == (512, 512, 3)
    assert np.abs(pixels[..., 0].astype(int) - pixels[..., 2]).max() <= 2


def test_transparency_and_depth_are_dropped(astronaut: npt.NDArray[np.uint8]) -> None:
    """PNG with alpha or with 16 bits a channel, and lossless WebP, are pictures like any other."""
    bgr = cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR)
    alpha = np.dstack((bgr, np.full((512, 512), 9, np.uint8)))
    lossless = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    assert lossless[12:16] == b"VP8L"
    for data, encoding in (
        (cv2.imencode(".png", alpha)[1].tobytes(), Encoding.PNG),
        (cv2.imencode(".png", bgr.astype(np.uint16) * 257)[1].tobytes(), Encoding.PNG),
        (lossless, Encoding.WEBP),
    ):
        np.testing.assert_array_equal(try_decode(data, encoding).pixels, astronaut)


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), -float("inf")])
def test_a_time_that_is_no_number_is_refused(time_s: float) -> None:
    """Capture times are compared later: NaN would pass every comparison."""
    with pytest.raises(BadFrame, match="capture_time_s must be a finite number"):
        decode(EncodedFrame(0, time_s, Encoding.RGB24, bytes(12), 2, 2), MAX_PIXELS, MAX_SIDE)


@pytest.mark.parametrize(
    ("encoding", "width", "height", "size", "reason"),
    [
        (Encoding.RGB24, 0, 0, 12, "at least 1 pixel, not 0x0"),
        (Encoding.BGR24, 2, 0, 12, "at least 1 pixel, not 2x0"),
        (Encoding.RGB24, -2, -2, 12, "at least 1 pixel, not -2x-2"),
        (Encoding.RGB24, 2, 2, 11, "RGB24 of 2x2 has 12 bytes, the frame has 11"),
        (Encoding.BGR24, 2, 2, 13, "BGR24 of 2x2 has 12 bytes, the frame has 13"),
        (Encoding.I420, 4, 4, 23, "I420 of 4x4 has 24 bytes, the frame has 23"),
        (Encoding.NV12, 4, 4, 0, "NV12 of 4x4 has 24 bytes, the frame has 0"),
        (Encoding.I420, 3, 4, 18, "I420 needs an even width and height, not 3x4"),
        (Encoding.NV12, 4, 3, 18, "NV12 needs an even width and height, not 4x3"),
        (Encoding.RGB24, 2**31 - 1, 2**31 - 1, 12, "--max-frame-pixels"),
        (Encoding.JPEG, 0, 0, 0, "the frame is empty: its data must be a JPEG file"),
        (Encoding.PNG, 0, 0, 0, "the frame is empty: its data must be a PNG file"),
        (Encoding.WEBP, 0, 0, 0, "the frame is empty: its data must be a WEBP file"),
    ],
)
def test_a_bad_size_is_told(encoding: Encoding, width: int, height: int, size: int, reason: str) -> None:
    """Each wrong size or byte count is named with what was expected."""
    with pytest.raises(BadFrame, match=reason):
        try_decode(bytes(size), encoding, width, height)


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (8192, 1024, None),
        (1024, 8192, None),
        (8193, 1100, "8193x1100, the server takes sides up to 8192 .--max-frame-side"),
        (32767, 32, "--max-frame-side"),
        (3, 65500, "--max-frame-side"),
        (8192, 1023, "8192x1023, the server takes aspect ratios up to 8:1"),
        (1, 9, "aspect ratios up to 8:1"),
        (1000, 1, "aspect ratios up to 8:1"),
        (8, 1, None),
    ],
)
@pytest.mark.parametrize("encoding", [Encoding.RGB24, Encoding.PNG])
def test_a_frame_of_an_extreme_shape_is_refused(
    encoding: Encoding, width: int, height: int, reason: str | None
) -> None:
    """Each side and the aspect ratio have a limit, and what just fits passes."""
    if reason is None:
        data = encode(np.zeros((height, width, 3), np.uint8), encoding)
        assert try_decode(data, encoding, width, height).pixels.shape == (height, width, 3)
        return
    data = bytes(width * height * 3) if encoding.is_raw else png_header(width, height)
    with pytest.raises(BadFrame, match=reason):
        try_decode(data, encoding, width, height)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1560), (1080, 2520), (5120, 1440), (2560, 361)])
def test_shapes_that_calls_have_are_taken(size: tuple[int, int]) -> None:
    """Wide screens of 32:9 and two of 16:9 side by side, and upright phones, are frames."""
    width, height = size
    frame = try_decode(bytes(width * height * 3), Encoding.RGB24, width, height)
    assert (frame.width, frame.height) == size


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_another_kind_of_file_is_told(astronaut: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """A PNG declared as JPEG, text, a header alone: not decoded by guessing."""
    others = [encode(astronaut[:64, :64], other) for other in COMPRESSED if other is not encoding]
    for data in (*others, b"not a picture", bytes(64), b"\xff" * 64, MAGIC[encoding][:4]):
        with pytest.raises(BadFrame, match=f"no {encoding.name} file|damaged"):
            try_decode(data, encoding)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_declared_size_must_fit(astronaut: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """A picture of another size than declared is refused, one declared half is checked by half."""
    data = encode(astronaut, encoding)
    with pytest.raises(BadFrame, match="the picture is 512x512, not 640x512 as declared"):
        try_decode(data, encoding, 640, 0)
    assert try_decode(data, encoding, 0, 512).width == 512


@pytest.mark.parametrize(
    ("encoding", "header", "size"),
    [
        (Encoding.JPEG, jpeg_header, 50_000),
        (Encoding.PNG, png_header, 50_000),
        (Encoding.PNG, png_header, 2**31 - 1),
        (Encoding.WEBP, webp_header, 2**24),
    ],
)
def test_a_bomb_is_refused_before_it_takes_memory(
    encoding: Encoding, header: Callable[[int, int], bytes], size: int
) -> None:
    """A header that promises gigabytes costs nothing."""
    data = header(size, size) + bytes(1000)
    tracemalloc.start()
    with pytest.raises(BadFrame, match="--max-frame-pixels"):
        try_decode(data, encoding)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_a_png_chunk_that_claims_gigabytes_is_refused(astronaut: npt.NDArray[np.uint8]) -> None:
    """OpenCV takes a chunk's memory before it looks whether the file has so much: we look first."""
    data = bytearray(encode(astronaut, Encoding.PNG))
    data[33:37] = struct.pack(">I", 2**31 - 2)  # the length of the first chunk of pixels
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadFrame, match="damaged or cut short"):
        try_decode(bytes(data), Encoding.PNG)
    taken_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert taken_kib < 500_000, "the chunk claims two gigabytes"


def test_a_jpeg_of_endless_scans_is_refused(astronaut: npt.NDArray[np.uint8]) -> None:
    """Each of thousands of empty scans would cost a pass over the picture; a progressive file has ten."""
    bgr = cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR)
    progressive = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert try_decode(progressive, Encoding.JPEG).pixels.shape == (512, 512, 3)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(BadFrame, match="more than 100 scans"):
        try_decode(progressive[:-2] + last_scan[:20] * 10_000 + b"\xff\xd9", Encoding.JPEG)


def test_a_webp_whose_canvas_lies_is_judged_by_its_picture(astronaut: npt.NDArray[np.uint8]) -> None:
    """A small VP8X canvas around a larger picture gets no more than its header said."""
    inner = encode(astronaut, Encoding.WEBP)[12:]
    body = webp_header(16, 16)[8:] + inner
    data = b"RIFF" + struct.pack("<I", len(body)) + body
    with pytest.raises(BadFrame, match="damaged"):
        try_decode(data, Encoding.WEBP)


@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_refused(
    astronaut: npt.NDArray[np.uint8], encoding: Encoding, share: float
) -> None:
    """What is missing must not be scored as grey: a cut file is an error, however little it lacks."""
    data = encode(astronaut, encoding)
    with pytest.raises(BadFrame, match=f"{encoding.name} file"):
        try_decode(data[: int(len(data) * share)], encoding)


def _decode_or_refuse(data: bytes, encoding: Encoding, width: int = 0, height: int = 0) -> None:
    started_s = time.process_time()
    try:
        frame = try_decode(data, encoding, width, height)
    except BadFrame as error:
        reason = str(error)
    else:
        reason = "decoded"
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == (frame.height, frame.width, 3)
        assert 0 < frame.width * frame.height <= MAX_PIXELS
    assert reason.isprintable()
    assert 0 < len(reason) < 400
    # Of this process alone, so a busy machine does not count; an honest picture of this size takes 1 ms.
    assert time.process_time() - started_s < 2


FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.sampled_from(list(Encoding)), st.binary(max_size=300), st.booleans(), st.integers(-4, 40))
def test_random_bytes_give_a_frame_or_a_reason(
    encoding: Encoding, data: bytes, with_magic: bool, size: int
) -> None:
    """Whatever the bytes, decode returns or raises BadFrame, never anything else, and soon."""
    _decode_or_refuse((MAGIC.get(encoding, b"") if with_magic else b"") + data, encoding, size, size)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_mutated_files_give_a_frame_or_a_reason(astronaut: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """A real file with bytes changed, cut out or doubled: a frame or a BadFrame, never anything else."""
    original = encode(np.ascontiguousarray(astronaut[:96, 160:288]), encoding)

    @FUZZ
    @given(
        st.lists(st.tuples(st.integers(0, len(original) - 1), st.integers(0, 255)), max_size=8),
        st.integers(0, len(original)),
        st.integers(0, len(original)),
    )
    def run(changes: list[tuple[int, int]], start: int, end: int) -> None:
        data = bytearray(original)
        for position, value in changes:
            data[position] = value
        spliced = bytes(data[:start] + data[end:])
        _decode_or_refuse(bytes(data), encoding)
        _decode_or_refuse(spliced, encoding)
        # The header lies at the start, where random positions seldom fall.
        for position, value in changes:
            data[position % 64] = value
        _decode_or_refuse(bytes(data), encoding)

    run()
