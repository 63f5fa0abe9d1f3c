"""What is named as wrong with a stream: begun and ended once each, timed, and without flicker."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from facegauge_server.streams.named_causes import LEAST_S, CauseChanges, NamedCauses
from facegauge_server.types import Cause, CauseKind, Fault

BLUR, NOISE, FREEZE, BLACK = CauseKind.BLUR, CauseKind.NOISE, CauseKind.FREEZE, CauseKind.BLACK
FROZEN, DARK = Fault(FREEZE, 1.2, 0.75), Fault(BLACK, 1.0, 0.98)


@pytest.fixture
def named() -> NamedCauses:
    return NamedCauses()


def see(
    named: NamedCauses,
    at_s: float,
    costs: dict[CauseKind, float],
    *faults: Fault,
    quality: float = 0.3,
) -> CauseChanges:
    return named.update(faults, [Cause(kind, cost, 0.1) for kind, cost in costs.items()], quality, at_s)


def main(named: NamedCauses) -> CauseKind | None:
    return None if named.main is None else named.main.kind


def test_a_cause_of_the_picture_begins_at_its_threshold_and_ends_clearly_below(named: NamedCauses) -> None:
    """Each change is told once, with figures; in between there is none."""
    assert see(named, 0.0, {BLUR: 0.09}) == CauseChanges()
    assert [one.kind for one in see(named, 0.5, {BLUR: 0.10}).began] == [BLUR]
    for step in range(20):
        changes = see(named, 1.0 + step / 2, {BLUR: 0.09})
        assert (changes.began, changes.ended) == ((), ())
    assert named.main == Cause(BLUR, 0.09, 0.1)
    ended = see(named, 20.0, {BLUR: 0.07})
    assert ended.ended == (Cause(BLUR, 0.09, 0.1),)
    assert named.main is None


def test_a_cause_lasts_two_seconds_at_least(named: NamedCauses) -> None:
    """Costs that jump from frame to frame name it once."""
    see(named, 0.0, {BLUR: 0.5})
    assert not any(see(named, step / 10, {BLUR: 0.0}).ended for step in range(1, 20))
    assert see(named, 2.0, {BLUR: 0.0}).ended


def test_a_cause_that_has_passed_does_not_become_the_main_one(named: NamedCauses) -> None:
    """It lasts out its two seconds, but what to say first of a picture that has recovered is nothing."""
    see(named, 0.0, {BLUR: 0.5})
    see(named, 1.0, {BLUR: 0.5, NOISE: 0.2})
    assert see(named, 2.1, {BLUR: 0.01, NOISE: 0.01}).ended == (Cause(BLUR, 0.5, 0.1),)
    assert named.main is None
    assert see(named, 3.1, {BLUR: 0.01, NOISE: 0.01}).ended == (Cause(NOISE, 0.01, 0.1),)
    see(named, 4.0, {NOISE: 0.5}, FROZEN)
    see(named, 5.9, {NOISE: 0.01}, FROZEN)
    see(named, 5.95, {NOISE: 0.01})
    assert named.main is None, "after a fault likewise"


def test_the_main_cause_changes_at_most_every_two_seconds(named: NamedCauses) -> None:
    """Whichever of three causes is the dearest, at 30 frames a second and at 2."""
    for interval_s in (1 / 30, 0.5):
        named = NamedCauses()
        changes_s: list[float] = []
        for step in range(round(40 / interval_s)):
            at_s, before = step * interval_s, main(named)
            phases = {BLUR: at_s * 5, NOISE: at_s * 7 + 1, CauseKind.LOSS: at_s * 3 + 2}
            see(named, at_s, {kind: max(0.0, math.sin(phase)) for kind, phase in phases.items()})
            if main(named) is not before:
                changes_s.append(at_s)
        gaps_s = [later - earlier for earlier, later in pairwise(changes_s)]
        assert len(gaps_s) > 5, "causes do take turns"
        assert min(gaps_s) >= LEAST_S


def test_nothing_is_named_on_a_good_picture(named: NamedCauses) -> None:
    """No more quality can come back than is missing."""
    assert see(named, 0.0, {BLUR: 0.5}, quality=0.95) == CauseChanges()
    assert see(named, 1.0, {BLUR: 0.5}, quality=0.85).began


def test_a_fault_comes_first_at_once(named: NamedCauses) -> None:
    """Whatever the picture costs, and the foremost fault before others."""
    see(named, 0.0, {BLUR: 0.9})
    changes = see(named, 0.1, {BLUR: 0.9}, FROZEN)
    assert changes.began == (FROZEN,)
    assert named.main == FROZEN
    assert named.faults == (FROZEN,)
    see(named, 0.2, {BLUR: 0.9}, DARK, FROZEN)
    assert named.main == DARK
    assert see(named, 5.0, {BLUR: 0.9}).ended == (DARK, FROZEN)
    assert main(named) is BLUR


def test_seconds_are_counted_by_cause(named: NamedCauses) -> None:
    """Of capture time, several at once; a jump of the sender's clock counts for nothing."""
    see(named, 10.0, {}, FROZEN)
    assert see(named, 10.5, {BLUR: 0.5}, FROZEN).seconds == {FREEZE: 0.5, BLUR: 0.5}
    assert see(named, 11.5, {BLUR: 0.5}).seconds == {BLUR: 1.0}
    assert see(named, 1000.0, {BLUR: 0.5}).seconds == {}
    assert named.times_s == {FREEZE: 0.5, BLUR: 1.5}


def test_what_is_not_seen_any_more_is_not_named(named: NamedCauses) -> None:
    """Causes end with the score that they belong to, and with the stream."""
    see(named, 0.0, {BLUR: 0.5}, FROZEN)
    assert see(named, 0.1, {}, FROZEN).ended == (Cause(BLUR, 0.5, 0.1),)
    assert named.end().ended == (FROZEN,)
    assert (named.main, named.faults, named.end()) == (None, (), CauseChanges())
