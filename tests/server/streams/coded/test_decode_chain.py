"""Which units are decoded depends on what they depend on, and on nothing else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from facegauge_server.config import Limits
from facegauge_server.errors import BadFrame
from facegauge_server.streams.coded.decode_chain import (
    FIRST_REST_S,
    REQUEST_INTERVAL_S,
    DecodeChain,
)
from facegauge_server.streams.traffic import Traffic
from facegauge_server.types import Decode, EncodedFrame, Encoding

KEY = bytes.fromhex("500000 9d012a 4001f000") + bytes(20)
"""A VP8 keyframe's header: 320x240."""
INTER = bytes.fromhex("310000") + bytes(20)
HUGE_KEY = bytes.fromhex("500000 9d012a ff3fff3f") + bytes(20)
IDR = b"\x00\x00\x01\x67\x42\x00\x00\x01\x68\xce\x00\x00\x01\x65\x88"
BARE_IDR = b"\x00\x00\x01\x65\x88"
SLICE = b"\x00\x00\x01\x41\x9a"


def unit(data: bytes = INTER, encoding: Encoding = Encoding.VP8, **fields: object) -> EncodedFrame:
    return EncodedFrame(0, 0.0, encoding, data, **fields)  # type: ignore[arg-type]


def chain(decode: Decode = Decode.ALL, *, is_live: bool = True, **limits: int) -> DecodeChain:
    return DecodeChain(decode, Limits(**limits), Traffic(), is_live=is_live)


def begun(decode: Decode = Decode.ALL, *, is_live: bool = True) -> DecodeChain:
    one = chain(decode, is_live=is_live)
    first = one.admit(unit(KEY), 0.0)
    assert first is not None
    assert first.starts
    return one


def test_nothing_is_decoded_before_a_keyframe() -> None:
    """Then everything is, and later keyframes do not throw away what the decoder knows."""
    one = chain()
    assert one.admit(unit(), 0.0) is None
    first = one.admit(unit(KEY), 0.0)
    assert first is not None
    assert (first.is_key, first.starts) == (True, True)
    assert one.admit(unit(), 0.0) is not None
    later = one.admit(unit(KEY), 0.0)
    assert later is not None
    assert (later.is_key, later.starts) == (True, False)


def test_a_break_is_the_streams_where_it_is() -> None:
    """Units missing or damaged after a first keyframe; not what the client or this server has left out."""
    traffic = Traffic()
    one = DecodeChain(Decode.ALL, Limits(), traffic, is_live=True)

    def admit(sequence: int, data: bytes = INTER, *, discontinuity: bool = False) -> bool:
        with suppress(BadFrame):
            one.admit(replace(unit(data, discontinuity=discontinuity), sequence=sequence), 0.0)
        return one.is_starved

    assert not admit(0), "nothing has been shown yet"
    assert not admit(1, KEY)
    assert admit(2, discontinuity=True)
    assert not admit(3, KEY)
    assert admit(4, b"none")
    assert not admit(5, KEY)
    assert not admit(8, discontinuity=True), "the client has left out two"
    assert not admit(9, KEY)
    one.break_off("the server could not keep up")
    assert not admit(10, discontinuity=True)
    assert (traffic.keyframes, traffic.breaks) == (4, 2)


def test_a_discontinuity_ends_the_chain_at_the_unit_that_names_it() -> None:
    """Up to the next keyframe; one that names it begins anew."""
    one = begun()
    assert one.admit(unit(discontinuity=True), 0.0) is None
    assert one.admit(unit(), 0.0) is None
    assert one.admit(unit(KEY), 0.0) is not None
    another = one.admit(unit(KEY, discontinuity=True), 0.0)
    assert another is not None
    assert another.starts


@pytest.mark.parametrize(
    ("decode", "is_live", "layers"),
    [
        (Decode.AUTO, True, [None, 0]),
        (Decode.AUTO, False, [None, 0, 1, 2]),
        (Decode.ALL, True, [None, 0, 1, 2]),
        (Decode.BASE_LAYER, False, [None, 0]),
        (Decode.KEYFRAMES, True, []),
    ],
)
def test_layers(decode: Decode, is_live: bool, layers: list[int | None]) -> None:
    """What is asked for is decoded, and what does not name its layer, since others may need it."""
    one = begun(decode, is_live=is_live)
    admitted = [layer for layer in (None, 0, 1, 2) if one.admit(unit(temporal_layer=layer), 0.0) is not None]
    assert admitted == layers


def test_a_layer_that_was_left_out_stays_out_up_to_a_keyframe() -> None:
    """Nobody knows earlier whether its units refer to those that are missing."""
    one = begun()
    one.limit_layers(0)
    assert one.admit(unit(temporal_layer=1), 0.0) is None
    assert one.admit(unit(temporal_layer=0), 0.0) is not None
    one.admit(unit(KEY, temporal_layer=0), 0.0)
    assert one.admit(unit(temporal_layer=1), 0.0) is not None


def test_keyframes_are_asked_for_rarely() -> None:
    """At once where one is needed, then every few seconds, and not where none is."""
    one = chain()
    assert one.keyframe_request(100.0) == "no keyframe has come yet"
    assert one.keyframe_request(100.0 + REQUEST_INTERVAL_S - 0.01) == ""
    assert one.keyframe_request(100.0 + REQUEST_INTERVAL_S) != ""
    one.admit(unit(KEY), 104.0)
    assert one.keyframe_request(200.0) == ""
    one.admit(unit(discontinuity=True), 200.0)
    one.admit(unit(discontinuity=True), 200.1)
    assert one.keyframe_request(200.1) == "units are missing"
    one.admit(unit(KEY), 200.2)
    one.admit(unit(discontinuity=True), 200.3)
    assert one.keyframe_request(200.3) == ""


def test_a_stream_that_was_the_end_of_a_worker_rests() -> None:
    """Longer each time, and no keyframe is asked for meanwhile."""
    one = begun()
    one.rest(100.0)
    assert one.admit(unit(KEY), 100.0 + FIRST_REST_S - 0.01) is None
    assert one.keyframe_request(100.0 + FIRST_REST_S - 0.01) == ""
    assert one.admit(unit(KEY), 100.0 + FIRST_REST_S) is not None
    one.rest(200.0)
    assert one.admit(unit(KEY), 200.0 + FIRST_REST_S) is None
    assert one.admit(unit(KEY), 200.0 + 2 * FIRST_REST_S) is not None


def test_another_encoding_begins_at_its_keyframe() -> None:
    """Without one it cannot be decoded."""
    one = begun()
    assert one.admit(unit(SLICE, Encoding.H264), 0.0) is None
    one.admit(unit(KEY), 0.0)
    switched = one.admit(unit(IDR, Encoding.H264), 0.0)
    assert switched is not None
    assert switched.starts


def test_h264_may_begin_where_its_sender_says() -> None:
    """A recovery point is no IDR picture; VP8's own bytes are believed instead."""
    one = chain()
    recovering = b"\x00\x00\x01\x67\x42\x00\x00\x01\x68\xce" + SLICE
    assert one.admit(unit(recovering, Encoding.H264), 0.0) is None
    assert one.admit(unit(recovering, Encoding.H264, keyframe=True), 0.0) is not None
    assert chain().admit(unit(INTER, keyframe=True), 0.0) is None


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (unit(HUGE_KEY), r"16383x16383 pixels.*--max-frame-pixels"),
        (unit(KEY + bytes(2_000_000)), r"2000030 bytes, the server takes 1000000 \(--max-unit-bytes\)"),
        (unit(BARE_IDR, Encoding.H264), "without SPS and PPS: send them in band"),
        (unit(b"jpeg", Encoding.JPEG), "open another stream for pictures"),
        (unit(b""), "the frame is empty"),
        (EncodedFrame(0, float("nan"), Encoding.VP8, KEY), "finite number"),
    ],
)
def test_what_cannot_be_used_is_named_and_ends_the_chain(frame: EncodedFrame, why: str) -> None:
    """In words for whoever sent it; what refers to it is not decoded."""
    one = chain(max_unit_bytes=1_000_000)
    with pytest.raises(BadFrame, match=why):
        one.admit(frame, 0.0)
    assert one.admit(unit(), 0.0) is None
    assert one.admit(unit(KEY), 0.0) is not None
