"""What the times of frames tell: frozen streams and low frame rates, and nothing of what is on purpose."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from facegauge_server.faults.arrivals import Arrivals
from facegauge_server.types import CauseKind

FREEZE, LOW = CauseKind.FREEZE, CauseKind.LOW_FRAME_RATE


def times(*spans: tuple[float, float]) -> Iterable[float]:
    """Capture times: for each span so many seconds at so many frames a second."""
    at_s = 0.0
    for duration_s, fps in spans:
        for _ in range(round(duration_s * fps)):
            at_s += 1 / fps
            yield at_s


def named(arrivals: Arrivals, at_s: Iterable[float]) -> list[tuple[float, CauseKind]]:
    """Return every fault that lasts at every frame."""
    found = []
    for one_s in at_s:
        arrivals.frame(one_s)
        found += [(one_s, fault.kind) for fault in arrivals.faults]
    return found


@pytest.mark.parametrize("fps", [1, 2, 5, 15, 30, 60])
def test_a_steady_rate_is_no_fault(fps: float) -> None:
    """Be it low on purpose or high."""
    assert not named(Arrivals(), times((60, fps)))


@pytest.mark.parametrize(
    ("fps", "gap_s", "is_frozen"), [(30, 0.45, False), (30, 0.6, True), (2, 1.4, False), (2, 1.6, True)]
)
def test_a_gap_is_a_freeze_by_its_own_rate(fps: float, gap_s: float, is_frozen: bool) -> None:
    """W3C's three intervals or 150 ms more, and half a second: with the gap as its value."""
    arrivals = Arrivals()
    assert not named(arrivals, times((20, fps)))
    arrivals.frame(20 + gap_s)
    assert [fault.kind for fault in arrivals.faults] == [FREEZE] * is_frozen
    for fault in arrivals.faults:
        assert fault.value == pytest.approx(gap_s)
        assert fault.threshold == pytest.approx(max(0.5, 3 / fps))
        assert fault.value >= fault.threshold


def test_a_freeze_ends_once_frames_come_again() -> None:
    """After two seconds at the latest that matter, and it makes no low frame rate."""
    arrivals = Arrivals()
    named(arrivals, times((10, 30)))
    found = named(arrivals, [11.5 + at_s for at_s in times((10, 30))])
    assert {kind for _, kind in found} == {FREEZE}
    assert found[0][0] == pytest.approx(11.5 + 1 / 30)
    assert found[-1][0] <= found[0][0] + 2.1


def test_silence_is_a_freeze_as_it_goes_on() -> None:
    """The server's clock stands in while no frame comes; before the rate is known, nothing is said."""
    arrivals = Arrivals()
    named(arrivals, times((0.2, 30)))
    arrivals.silence(10.0)
    assert not arrivals.faults
    named(arrivals, [1 + at_s for at_s in times((5, 30))])
    arrivals.silence(0.4)
    assert not arrivals.faults
    arrivals.silence(0.8)
    assert [(fault.kind, fault.value) for fault in arrivals.faults] == [(FREEZE, 0.8)]


def test_frames_that_the_client_left_out_are_no_fault() -> None:
    """A client on a slow path sends every sixth frame, and none for a second; a slow camera shows still."""
    arrivals = Arrivals()
    assert not named(arrivals, times((5, 30)))
    for number in range(1, 51):
        arrivals.frame(5 + number / 5, frames=6)
        assert not arrivals.faults
    arrivals.frame(16.0, frames=30)
    assert not arrivals.faults
    for number in range(1, 21):
        arrivals.frame(16.0 + number, frames=6)
    assert [(fault.kind, round(fault.value)) for fault in arrivals.faults] == [(LOW, 6)]


def test_silence_is_held_against_the_frames_that_arrive() -> None:
    """A client that sends one frame in fifteen is not silent between two of them."""
    arrivals = Arrivals()
    for number in range(20):
        arrivals.frame(number / 2, frames=15)
    arrivals.silence(1.4)
    assert not arrivals.faults
    arrivals.silence(1.6)
    assert [fault.kind for fault in arrivals.faults] == [FREEZE]


def test_a_connection_that_broke_is_no_freeze() -> None:
    """What was captured meanwhile never came, and the rate is learnt anew."""
    arrivals = Arrivals()
    named(arrivals, times((5, 30)))
    arrivals.interrupted()
    arrivals.frame(8.0)
    assert not arrivals.faults
    assert arrivals.freeze_threshold_s is None


def test_units_that_cannot_be_decoded_are_a_freeze() -> None:
    """From half a second on, with the time since the last that could be shown; over with the keyframe."""
    arrivals = Arrivals()
    named(arrivals, times((5, 30)))
    found = {}
    for number in range(1, 240):
        at_s = 5 + number / 30
        arrivals.frame(at_s, is_decodable=not 5.5 < at_s < 6.5)
        if arrivals.faults:
            (found[at_s],) = arrivals.faults
    assert {fault.kind for fault in found.values()} == {FREEZE}
    assert 6.0 <= min(found) <= 6.1
    assert found[min(found)].value == pytest.approx(0.5, abs=0.04)
    assert max(fault.value for fault in found.values()) == pytest.approx(1.0, abs=0.04)
    assert 6.5 <= max(found) <= min(found) + 2.1


def test_a_short_wait_for_a_keyframe_is_no_freeze() -> None:
    """Nor one before the first, when nothing has been shown yet."""
    arrivals = Arrivals()
    for number in range(60):
        arrivals.frame(number / 30, is_decodable=number >= 30)
    for number in range(60, 90):
        arrivals.frame(number / 30, is_decodable=not 65 < number < 79)
    assert not arrivals.faults


def test_what_a_decoder_found_late_counts_from_where_it_was() -> None:
    """A unit that is damaged is known so once its run has been decoded."""
    arrivals = Arrivals()
    named(arrivals, times((5, 30)))
    arrivals.undecodable_since(4.7)
    arrivals.frame(5 + 1 / 30, is_decodable=False)
    assert not arrivals.faults
    arrivals.frame(5.25, is_decodable=False)
    assert [(fault.kind, round(fault.value, 2)) for fault in arrivals.faults] == [(FREEZE, 0.55)]


def test_a_pause_or_another_clock_is_no_freeze() -> None:
    """Beyond W3C's pause of five seconds the rate is learnt anew."""
    arrivals = Arrivals()
    named(arrivals, times((5, 30)))
    arrivals.frame(1000.0)
    assert not arrivals.faults
    assert arrivals.freeze_threshold_s is None
    assert not named(arrivals, [1 + at_s for at_s in times((5, 30))]), "nor is one that goes back"
    assert arrivals.freeze_threshold_s is not None


@pytest.mark.parametrize(
    ("before", "after", "is_low"),
    [(30, 5, True), (30, 8, True), (30, 12, False), (15, 6, True), (15, 9, False), (8, 3, False)],
)
def test_a_rate_is_low_against_what_the_stream_has_had(before: float, after: float, is_low: bool) -> None:
    """Named within a second, with the rate, and over once frames come as before."""
    arrivals = Arrivals()
    found = named(arrivals, times((10, before), (10, after), (10, before)))
    assert {kind for _, kind in found} == ({LOW} if is_low else set())
    if is_low:
        assert 10 < found[0][0] <= 11 + 1 / after
        assert 20 < found[-1][0] <= 21.6


def test_coded_video_comes_in_decoding_order() -> None:
    """Pictures that are shown earlier than one before them change nothing."""
    order = [at_s + shift for at_s in times((20, 7.5)) for shift in (0.1, 0.0, 0.033, 0.067)]
    assert not named(Arrivals(), order)
