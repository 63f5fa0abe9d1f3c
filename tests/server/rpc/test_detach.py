"""Bytes taken out of protobuf messages: what is read is what protobuf reads."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.rpc.detach import detach, only_field

DATA = pb.Frame.DATA_FIELD_NUMBER
FRAMES = st.builds(
    pb.Frame,
    sequence=st.integers(0, 2**32 - 1),
    capture_time_s=st.floats(allow_nan=False),
    width=st.integers(0, 2**32 - 1),
    data=st.binary(min_size=1, max_size=300),
    keyframe=st.booleans(),
    temporal_layer=st.integers(0, 7),
)

TAILS = st.binary(max_size=9)


@given(FRAMES)
def test_the_parts_are_the_whole(frame: pb.Frame) -> None:
    """What is left, and the field that was taken, are the message."""
    message = frame.SerializeToString()
    split = detach(memoryview(message), DATA)
    assert split is not None
    rebuilt = pb.Frame.FromString(split[0])
    assert not rebuilt.data
    rebuilt.data = bytes(split[1])
    assert rebuilt == frame


@given(st.binary(max_size=60) | st.builds(lambda one, tail: one.SerializeToString() + tail, FRAMES, TAILS))
def test_any_bytes_are_split_as_protobuf_reads_them(message: bytes) -> None:
    """Where a split is given, both ways of reading agree, in their errors too."""
    split = detach(memoryview(message), DATA)
    if split is None:
        return
    try:
        whole = pb.Frame.FromString(message)
    except DecodeError:
        with pytest.raises(DecodeError):
            pb.Frame.FromString(split[0])
        return
    rebuilt = pb.Frame.FromString(split[0])
    rebuilt.data = bytes(split[1])
    assert rebuilt == whole


@given(FRAMES, st.binary(max_size=3))
def test_the_only_field_of_a_message(frame: pb.Frame, junk: bytes) -> None:
    """The frame of a request is found; not where anything else is there, or the end is missing."""
    message = pb.MonitorStreamRequest(frame=frame).SerializeToString()
    number = pb.MonitorStreamRequest.FRAME_FIELD_NUMBER
    found = only_field(memoryview(message), number)
    assert found is not None
    assert bytes(found) == frame.SerializeToString()
    assert only_field(memoryview(message), number + 1) is None
    assert only_field(memoryview(message)[:-1], number) is None
    assert junk == b"" or only_field(memoryview(message + junk), number) is None
    assert only_field(memoryview(b""), number) is None


def test_what_is_not_split() -> None:
    """No such field, two of them, groups, and numbers without an end are left to protobuf."""
    one = pb.Frame(data=b"x").SerializeToString()
    for message in (
        b"",
        pb.Frame(sequence=3).SerializeToString(),
        one * 2,
        one + b"\x0b",
        one + b"\x08" + b"\xff" * 11,
    ):
        assert detach(memoryview(message), DATA) is None
