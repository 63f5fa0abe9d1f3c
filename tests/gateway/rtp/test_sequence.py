"""Which packets belong to a source, in which order they come out, and what is counted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_gateway.rtp.timeline import Timeline
from facegauge_gateway.rtp.wrapping import unwrap, wrapped_distance
from tests.gateway.rtp_streams import CODECS, INTERVAL_S, STEP, feed, packet

KEY = b"\x10\x00\x00\x00"
"""A VP8 keyframe as far as a receiver looks."""


def stream(first: int, count: int, first_timestamp: int = 0) -> list:  # type: ignore[type-arg]
    """Frames of one packet each, the first a keyframe."""
    packets = [packet(first + n, first_timestamp + n * STEP) for n in range(count)]
    return [packet(first, first_timestamp, payload=KEY), *packets[1:]]


@settings(deadline=None)
@given(number=st.integers(0, 2**40), step=st.integers(-(2**15) + 1, 2**15 - 1))
def test_numbers_unwrap_to_the_nearest(number: int, step: int) -> None:
    """Sixteen bits are enough to follow a number whose steps are less than half of them."""
    assert unwrap((number + step) & 0xFFFF, number, 16) == number + step
    assert wrapped_distance((number + step) & 0xFFFF, number & 0xFFFF, 16) == step


def test_the_first_packet_waits_for_the_second() -> None:
    """One packet makes no source; with the second the first comes out as well, even in the other order."""
    receiver = StreamReceiver(CODECS)
    assert receiver.receive(packet(7, payload=KEY), 0.0) == []
    assert receiver.feedback(5.0) is None
    assert [unit.keyframe for unit in receiver.receive(packet(8, STEP), 0.01)] == [True, False]
    receiver = StreamReceiver(CODECS)
    assert receiver.receive(packet(8, STEP), 0.0) == []
    assert [unit.keyframe for unit in receiver.receive(packet(7, payload=KEY), 0.01)] == [True, False]


def test_numbers_without_a_sequence_make_no_source() -> None:
    """Packets whose sequence numbers have nothing in common are counted, and nothing comes of them."""
    receiver = StreamReceiver(CODECS)
    units = feed(receiver, [packet(number * 9973) for number in range(50)])
    assert units == []
    assert receiver.statistics.misplaced == 49
    assert receiver.next_poll_s is None


def test_a_missing_packet_is_waited_for_and_then_given_up() -> None:
    """What follows a gap waits as long as it may, from its own arrival on, and is told as a discontinuity."""
    receiver = StreamReceiver(CODECS, reorder_s=0.1)
    feed(receiver, stream(0, 3))
    assert receiver.receive(packet(4, 4 * STEP), 10.0) == []
    assert receiver.receive(packet(5, 5 * STEP), 10.05) == []
    assert receiver.poll(10.0999) == []
    assert receiver.statistics.lost == 0
    units = receiver.poll(10.1)
    assert [unit.discontinuity for unit in units] == [True, True]
    assert (receiver.statistics.lost, receiver.statistics.breaks) == (1, 1)


def test_each_gap_is_waited_for_by_itself() -> None:
    """Where a packet comes after all, what is missing later gets a whole wait."""
    receiver = StreamReceiver(CODECS, reorder_s=0.1)
    feed(receiver, stream(0, 3))
    assert receiver.receive(packet(4, 4 * STEP), 10.0) == []
    assert receiver.receive(packet(6, 6 * STEP), 10.06) == []
    assert len(receiver.receive(packet(3, 3 * STEP), 10.09)) == 2
    assert receiver.poll(10.15) == []
    assert len(receiver.poll(10.16)) == 1


def test_the_wait_is_announced() -> None:
    """`next_poll_s` is when the wait ends, so that nobody has to ask before."""
    receiver = StreamReceiver(CODECS, reorder_s=0.1)
    feed(receiver, stream(0, 3))
    receiver.feedback(10.0)
    assert receiver.next_poll_s == pytest.approx(11.0)
    receiver.receive(packet(4, 4 * STEP), 10.5)
    assert receiver.next_poll_s == pytest.approx(10.6)


def test_late_packets_and_duplicates_are_told_apart() -> None:
    """One that comes after it was given up is late, one that was there is a duplicate; neither comes out."""
    receiver = StreamReceiver(CODECS)
    feed(receiver, [*stream(0, 3), packet(4, 4 * STEP)])
    assert receiver.statistics.lost == 1
    assert receiver.receive(packet(3, 3 * STEP), 5.0) == []
    assert receiver.receive(packet(3, 3 * STEP), 5.0) == []
    assert receiver.receive(packet(4, 4 * STEP), 5.0) == []
    counted = receiver.statistics
    assert (counted.late, counted.duplicates, counted.units) == (1, 2, 4)


@pytest.mark.parametrize("limits", [{"max_packets": 10}, {"max_unit_bytes": 40}])
def test_what_is_held_is_bounded(limits: dict[str, int]) -> None:
    """A full buffer gives a missing packet up before its time."""
    receiver = StreamReceiver(CODECS, reorder_s=1000, **limits)
    feed(receiver, stream(0, 2))
    units = [unit for n in range(3, 30) for unit in receiver.receive(packet(n, n * STEP), n * INTERVAL_S)]
    assert len(units) == 27
    assert receiver.statistics.lost == 1


def test_replayed_and_ancient_packets_change_nothing() -> None:
    """Seconds of the call that come again, in order and among the call's packets, are counted, no more."""
    call = stream(60_000, 400)
    receiver = StreamReceiver(CODECS)
    expected = feed(StreamReceiver(CODECS), call)
    units = []
    for number, one in enumerate(call):
        now_s = number * INTERVAL_S
        units += receiver.receive(one, now_s)
        if number >= 200:
            for old in call[number - 200 : number - 197]:
                units += receiver.receive(old, now_s)
    assert units == expected
    assert (receiver.statistics.misplaced, receiver.statistics.restarts) == (600, 0)


def test_a_sender_that_begins_anew_is_followed() -> None:
    """After a silence another sequence is believed: its keyframe comes out, told, at a time that goes on."""
    receiver = StreamReceiver(CODECS)
    before = feed(receiver, stream(100, 10, first_timestamp=5_000_000))
    after = feed(receiver, stream(40_000, 10, first_timestamp=77), start_s=10.0)
    assert [unit.keyframe for unit in after] == [True] + [False] * 9
    assert [unit.discontinuity for unit in after] == [True] + [False] * 9
    assert after[0].timestamp - before[0].timestamp == 10 * 90_000
    assert [unit.timestamp - after[0].timestamp for unit in after] == [n * STEP for n in range(10)]
    counted = receiver.statistics
    assert (counted.restarts, counted.misplaced, counted.lost, counted.units) == (1, 0, 0, 20)


def test_packets_without_video_hold_their_place() -> None:
    """Padding and payload types without a codec are no loss and no unit."""
    receiver = StreamReceiver(CODECS)
    packets = stream(0, 6)
    packets[2] = packet(2, 2 * STEP, payload=b"")
    packets[4] = packet(4, 4 * STEP, payload_type=120)
    units = feed(receiver, packets)
    assert [unit.timestamp // STEP for unit in units] == [0, 1, 3, 5]
    assert not any(unit.discontinuity for unit in units)
    assert (receiver.statistics.lost, receiver.statistics.other_payloads) == (0, 1)


def test_a_unit_that_is_none_breaks_the_chain() -> None:
    """A payload that makes no unit is one that is missing: what follows is told."""
    receiver = StreamReceiver(CODECS)
    packets = stream(0, 6)
    packets[2] = packet(2, 2 * STEP, payload=b"\x90")
    units = feed(receiver, packets)
    assert [unit.discontinuity for unit in units] == [False, False, True, True, True]
    assert (receiver.statistics.bad, receiver.statistics.breaks) == ({"vp8": 1}, 1)


def test_another_source_is_the_callers_mistake() -> None:
    """A receiver is of one SSRC."""
    receiver = StreamReceiver(CODECS)
    receiver.receive(packet(0), 0.0)
    with pytest.raises(ValueError, match="this receiver is of SSRC"):
        receiver.receive(packet(1, ssrc=1), 0.0)


def test_a_unit_that_grows_too_large_is_dropped() -> None:
    """Its size is bounded while it grows, and the next one is whole again."""
    receiver = StreamReceiver(CODECS, max_unit_bytes=1000)
    parts = [
        packet(n, 0, marker=False, payload=(b"\x10" if n == 0 else b"\x00") + bytes(100)) for n in range(50)
    ]
    units = feed(receiver, [*parts, packet(50, STEP, payload=KEY), packet(51, 2 * STEP)])
    assert [unit.timestamp for unit in units] == [STEP, 2 * STEP]
    assert receiver.statistics.bad == {"too_large": 1}
    assert receiver.statistics.units_broken == 1
    assert "more than 1000 bytes" in receiver.statistics.last_fault


def test_a_unit_without_a_marker_ends_before_the_next() -> None:
    """A sender may leave the marker out (RFC 6184, 5.1)."""
    receiver = StreamReceiver(CODECS)
    units = feed(receiver, [packet(n, n * STEP, marker=False, payload=KEY) for n in range(4)])
    assert [unit.timestamp // STEP for unit in units] == [0, 1, 2]


class TestTimeline:
    """Timestamps on one line."""

    @settings(deadline=None)
    @given(
        start=st.integers(0, 2**32 - 1),
        steps=st.lists(st.integers(-STEP, 4 * 90_000), min_size=1, max_size=50),
    )
    def test_steps_are_kept_across_the_wrap(self, start: int, steps: list[int]) -> None:
        """Whatever the steps, also back (pictures out of display order), the line has the same."""
        line = Timeline(90_000)
        now_s, at = 100.0, start
        assert line.place(start, now_s) == start
        for step in steps:
            at += step
            now_s += max(0, step) / 90_000
            assert line.place(at & 0xFFFFFFFF, now_s) == at

    @pytest.mark.parametrize("jump", [6 * 90_000, -6 * 90_000, 2**31 - 1])
    def test_a_jump_goes_on_by_arrival(self, jump: int) -> None:
        """Timestamps that jump where the arrivals do not are another clock's."""
        line = Timeline(90_000)
        line.place(1000, 0.0)
        assert line.place((1000 + jump) & 0xFFFFFFFF, 0.5) == 1000 + 45_000
        assert line.place((1000 + jump + STEP) & 0xFFFFFFFF, 0.5 + INTERVAL_S) == 1000 + 45_000 + STEP

    def test_a_pause_of_the_call_is_none_of_the_clock(self) -> None:
        """A muted minute is a minute, whether the timestamps tell it or stand still."""
        for told in (60 * 90_000, STEP):
            line = Timeline(90_000)
            line.place(0, 0.0)
            assert line.place(told, 60.0) == 60 * 90_000
