"""What a unit says of itself, for real units of every format and for bytes that are none."""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.errors import BadFrame
from facegauge_server.streams.coded.unit_header import read_unit_header
from facegauge_server.types import Encoding
from tests.coded_video import CODED, encode_units, moving

SIZE = (320, 240)
WITHOUT_SIZE = (Encoding.H264, Encoding.AV1)


@pytest.mark.parametrize("encoding", CODED)
def test_keyframes_are_seen_by_themselves(encoding: Encoding, astronaut: npt.NDArray[np.uint8]) -> None:
    """The first unit is one, with its parameters and, where it is at a fixed place, its size."""
    key, *others = encode_units(encoding, moving(astronaut, 4, *SIZE))
    header = read_unit_header(encoding, key)
    assert (header.is_key, header.has_parameters) == (True, True)
    assert header.size == (None if encoding in WITHOUT_SIZE else SIZE)
    for data in others:
        assert not read_unit_header(encoding, data).is_key


@pytest.mark.parametrize("encoding", CODED)
def test_units_of_another_format_are_refused_in_words(
    encoding: Encoding, astronaut: npt.NDArray[np.uint8]
) -> None:
    """A keyframe under any other name is refused before a decoder sees it, in words."""
    (key,) = encode_units(encoding, moving(astronaut, 1, *SIZE))
    for other in CODED:
        if other is not encoding:
            with pytest.raises(BadFrame, match=f"no {other.name.replace('H264', 'H.264')}"):
                read_unit_header(other, key)


@pytest.mark.parametrize("encoding", CODED)
def test_no_prefix_of_a_unit_is_a_defect(encoding: Encoding, astronaut: npt.NDArray[np.uint8]) -> None:
    """However short a unit is cut, it is read or refused."""
    (key,) = encode_units(encoding, moving(astronaut, 1, 64, 64))
    with pytest.raises(BadFrame, match=f"its data must be a unit of {encoding.name}"):
        read_unit_header(encoding, b"")
    for length in range(1, min(len(key), 60)):
        with contextlib.suppress(BadFrame):
            read_unit_header(encoding, key[:length])


@pytest.mark.parametrize(
    ("encoding", "data", "why"),
    [
        (Encoding.H264, b"\x00\x00\x02\x67 length before it", "h264_mp4toannexb"),
        (Encoding.H264, b"\x00\x00\x00\x01\x67\x42\xc0\x1e\x00\x00\x01\x68\xce", "holds no picture"),
        (Encoding.H264, b"\x00\x00\x01\xe5\x88", "forbidden bit"),
        (Encoding.VP8, b"\x10\x02\x00\x9d\x01\x2b" + bytes(100), "start code is missing"),
        (Encoding.VP8, b"\xf1\xff\xff\x00", "cut short: it has 4 bytes"),
        (Encoding.VP9, b"\x82\x00\x00\x00" + bytes(20), "sync code is missing"),
        (Encoding.AV1, b"\x12\x00\x0a\x0b\x00", "cut short"),
        (Encoding.AV1, b"\x12\x00", "holds no picture"),
        (Encoding.AV1, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", "has no end"),
    ],
)
def test_what_is_wrong_is_named(encoding: Encoding, data: bytes, why: str) -> None:
    """Each kind of bytes that is no unit has its sentence."""
    with pytest.raises(BadFrame, match=why):
        read_unit_header(encoding, data)
