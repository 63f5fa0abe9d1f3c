"""The newest live frame is held, never thrown away: at each place that leaves frames out, time passed in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.streams.frame_gate import FrameGate, LeftOut
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.types import EncodedFrame, Encoding

PROMISE_S = 0.25


def frame(sequence: int, time_s: float, size: int = 10_000) -> EncodedFrame:
    return EncodedFrame(sequence, time_s, Encoding.JPEG, bytes(size))


def gate(max_fps: float = 0.0, min_fps: float = 0.0) -> FrameGate:
    return FrameGate(RateLimit(max_fps), AdaptiveSampler(min_fps))


def settled(min_fps: float) -> tuple[FrameGate, float]:
    """A gate whose stream has been steady for a minute, and the time of its last scored frame."""
    steady = gate(min_fps=min_fps)
    for sequence in range(601):
        now_s = sequence / 10
        steady.put(frame(sequence, now_s), now_s)
        ready_s = steady.ready_s
        assert ready_s is not None
        if ready_s <= now_s or now_s == 60.0:
            steady.take(now_s)
            steady.scored(0.8, now_s)
    return steady, 60.0


def test_an_empty_gate_has_nothing_to_hand_out() -> None:
    """Nothing held: nothing is ready, and nothing is taken."""
    empty = gate(10, 1)
    assert empty.ready_s is None
    assert empty.take(1.0) is None


def test_the_rate_limit_holds_the_newest_frame() -> None:
    """Each newer frame replaces the held one, which is the drop; the last passes when the limit allows it."""
    limited = gate(max_fps=2.0)
    assert limited.put(frame(0, 0.0), 0.0) is None
    assert limited.take(0.0) is not None
    left_out = [limited.put(frame(sequence, sequence / 100), sequence / 100) for sequence in range(1, 11)]
    assert left_out == [None, *[LeftOut.TOO_FAST] * 9]
    assert limited.ready_s == pytest.approx(0.4)  # half a second, less the burst of a tenth
    received = limited.take(0.45)
    assert received is not None
    assert received.frame.sequence == 10
    assert received.ready_s == pytest.approx(0.4), "waiting for the limit is not the server's delay"


def test_a_client_that_waits_for_its_answers_runs_at_the_limit() -> None:
    """One frame sent per answer, each answered in 10 ms: no frame is left out, all pass at `max_fps`."""
    limited = gate(max_fps=5.0)
    now_s = 0.0
    for sequence in range(100):
        assert limited.put(frame(sequence, now_s), now_s) is None
        ready_s = limited.ready_s
        assert ready_s is not None
        now_s = max(now_s, ready_s)
        received = limited.take(now_s)
        assert received is not None
        assert received.frame.sequence == sequence
        now_s += 0.01
    assert now_s == pytest.approx(99 / 5 - 0.1, abs=0.02)


def test_a_steady_streams_frame_that_nothing_follows_is_scored() -> None:
    """The sampler holds a frame; when no newer one comes it passes within 250 ms of the interval's end."""
    steady, taken_s = settled(min_fps=0.5)
    steady.put(frame(601, taken_s + 0.1), taken_s + 0.1)
    ready_s = steady.ready_s
    assert ready_s is not None
    assert taken_s + 2.0 <= ready_s <= taken_s + 2.0 + PROMISE_S


def test_a_steady_streams_frames_are_skipped_while_newer_ones_come() -> None:
    """Each newer frame replaces the held one and counts as skipped, until one is due by its capture time."""
    steady, taken_s = settled(min_fps=0.5)
    left_out = []
    for sequence in range(1, 20):
        now_s = taken_s + sequence / 10
        left_out.append(steady.put(frame(sequence, now_s), now_s))
    assert left_out == [None, *[LeftOut.STEADY] * 18]
    assert steady.put(frame(20, taken_s + 2.0), taken_s + 2.0) is LeftOut.STEADY
    assert steady.ready_s == taken_s + 2.0, "at once"


def test_another_picture_is_not_held_by_the_sampler() -> None:
    """A frame of another size is ready on arrival, and so is the newer one that replaces it."""
    steady, taken_s = settled(min_fps=0.5)
    steady.put(frame(1, taken_s + 0.1), taken_s + 0.1)
    assert steady.put(frame(2, taken_s + 0.2, size=5_000), taken_s + 0.2) is LeftOut.STEADY
    assert steady.ready_s == taken_s + 0.2
    assert steady.put(frame(3, taken_s + 0.3, size=5_000), taken_s + 0.3) is LeftOut.OVERLOAD
    assert steady.ready_s == taken_s + 0.3


def test_a_score_that_moves_releases_the_held_frame() -> None:
    """What was held while the last frame was being scored passes at once when its score has moved."""
    steady, taken_s = settled(min_fps=0.5)
    steady.put(frame(1, taken_s + 2.5), taken_s + 2.5)
    steady.take(taken_s + 2.5)
    steady.put(frame(2, taken_s + 2.6), taken_s + 2.6)
    held_s = steady.ready_s
    assert held_s is not None
    assert held_s > taken_s + 4
    steady.scored(0.3, taken_s + 2.5)
    assert steady.ready_s == taken_s + 2.6


def test_under_overload_the_newest_frame_is_taken() -> None:
    """While no worker is free newer frames replace the held one; whoever gets a worker takes the newest."""
    busy = gate(max_fps=60.0)
    left_out = [busy.put(frame(sequence, float(sequence)), float(sequence)) for sequence in range(5)]
    assert left_out == [None, *[LeftOut.OVERLOAD] * 4]
    received = busy.take(7.0)
    assert received is not None
    assert (received.frame.sequence, received.ready_s) == (4, 4.0)


def test_a_steady_stream_loses_one_frame_an_interval_to_overload() -> None:
    """While no worker is free, frames that the sampler did not want count as skipped, not dropped."""
    steady, taken_s = settled(min_fps=0.5)
    now_s = taken_s + 10
    steady.put(frame(0, now_s), now_s)
    left_out = [steady.put(frame(number, now_s + number / 10), now_s) for number in range(1, 61)]
    dropped = [number for number, why in enumerate(left_out, start=1) if why is LeftOut.OVERLOAD]
    assert dropped == [20, 40, 60]
    assert left_out.count(LeftOut.STEADY) == 57


@settings(deadline=None)
@given(
    gaps_s=st.lists(st.floats(0.001, 3.0), min_size=1, max_size=60),
    max_fps=st.sampled_from([0.0, 1.0, 5.0, 60.0]),
    min_fps=st.sampled_from([0.0, 0.7, 5.0]),
    qualities=st.lists(st.floats(0, 1) | st.none(), min_size=60, max_size=60),
)
def test_the_newest_frame_is_always_answered_in_time(
    gaps_s: list[float], max_fps: float, min_fps: float, qualities: list[float | None]
) -> None:
    """Whatever arrives when: every frame is scored, replaced, or ready 250 ms after it could have been."""
    promised = gate(max_fps, min_fps)
    now_s, passed_s, left_out, scored = 0.0, None, 0, 0
    for sequence, gap_s in enumerate(gaps_s):
        left_out += promised.put(frame(sequence, now_s), now_s) is not None
        ready_s = promised.ready_s
        assert ready_s is not None
        could_s = now_s
        if passed_s is not None:
            longest_s = max(1 / max_fps if max_fps else 0.0, 1 / min_fps if min_fps else 0.0)
            could_s = max(now_s, passed_s + longest_s)
        assert ready_s <= could_s + PROMISE_S
        next_s = now_s + gap_s
        if ready_s < next_s:
            received = promised.take(ready_s)
            assert received is not None
            assert received.frame.sequence == sequence
            promised.scored(qualities[scored], received.frame.capture_time_s)
            scored += 1
            passed_s = ready_s
        now_s = next_s
    assert scored + left_out + (promised.ready_s is not None) == len(gaps_s)
