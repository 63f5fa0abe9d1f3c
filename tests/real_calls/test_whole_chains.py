"""The tests' own judge of which pictures can be decoded."""

from __future__ import annotations

import pytest

from bench.real_call.lossy_path import Passed

from .whole_chains import whole_chains

KEY, DELTA, UPPER = b"\x90\x20\x00\x00", b"\x90\x20\x00\x01", b"\x90\x20\x40\x01"
"""VP8: the start of a frame of the base layer, and of one above it."""
MORE = b"\x80\x20\x00\x00"
"""VP8: a frame's further packet."""


def record(*packets: tuple[int, bytes, bool], first: int = 65_534) -> list[Passed]:
    """Packets of timestamp, payload and arrival, whose sequence numbers wrap around."""
    return [
        Passed(
            0.0,
            b"\x80\x60" + ((first + n) % 65_536).to_bytes(2) + timestamp.to_bytes(4) + bytes(4) + data,
            arrived,
        )
        for n, (timestamp, data, arrived) in enumerate(packets)
    ]


def test_a_lost_packet_breaks_all_up_to_the_next_keyframe() -> None:
    path = record(
        *((1, DELTA, True), (2, KEY, True), (2, MORE, True), (3, DELTA, True), (3, MORE, False)),
        *((4, DELTA, True), (5, KEY, True), (6, DELTA, True)),
    )
    assert whole_chains(path, "vp8") == {1: False, 2: True, 3: False, 4: False, 5: True, 6: True}


@pytest.mark.parametrize("lost", [0, 1])
def test_a_keyframe_that_misses_a_packet_begins_nothing(lost: int) -> None:
    path = record((1, KEY, lost != 0), (1, MORE, lost != 1), (2, DELTA, True))
    assert whole_chains(path, "vp8") == {1: False, 2: False}


def test_upper_layers_break_nothing_below_them() -> None:
    path = record((1, KEY, True), (2, UPPER, False), (3, DELTA, True))
    assert whole_chains(path, "vp8") == {1: True, 3: True}


def test_what_is_missing_in_the_record_is_lost() -> None:
    """A system that was too busy has dropped it before the path saw it."""
    path = record((1, KEY, True), (2, DELTA, True), (3, DELTA, True))
    del path[1]
    assert whole_chains(path, "vp8") == {1: True, 3: False}


def test_packets_are_judged_in_the_order_of_their_numbers() -> None:
    path = record((1, KEY, True), (1, MORE, True), (2, DELTA, True))
    assert whole_chains([path[1], path[0], path[2]], "vp8") == {1: True, 2: True}


def test_keyframes_of_h264_and_vp9_are_known() -> None:
    """H.264: parameter sets, then fragments; VP9: a picture id of two bytes before the layer."""
    h264 = record((1, b"\x78\x00\x02\x67\x00", True), (1, b"\x7c\x85\x00", True), (1, b"\x7c\x05\x00", True))
    assert whole_chains(h264, "h264") == {1: True}
    assert whole_chains(record((1, b"\x61\x00", True)), "h264") == {1: False}
    vp9 = record((1, b"\xa8\x80\x01\x00\x00", True), (2, b"\xe8\x80\x02\x00\x00", True))
    assert whole_chains(vp9, "vp9") == {1: True, 2: True}
    assert whole_chains(vp9[1:], "vp9") == {2: False}
