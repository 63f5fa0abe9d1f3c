"""What is named frame by frame: as the server names it, and without flicker."""

from __future__ import annotations

import itertools

import pytest

from facegauge_client import Assessment, Cause, CauseKind
from facegauge_client.playback.named_causes import NamedCauses

FREEZE = Cause(CauseKind.FREEZE, value=2.4, threshold=0.5)


def costs(**by_kind: float) -> tuple[Cause, ...]:
    causes = [Cause(CauseKind(kind), cost, threshold=0.1) for kind, cost in by_kind.items()]
    return tuple(sorted(causes, key=lambda cause: -(cause.cost or 0.0)))


def kinds(named: NamedCauses, assessment: Assessment, at_s: float) -> list[str]:
    return [cause.kind.value for cause in named.add(assessment, at_s).causes]


def test_the_main_cause_comes_first_then_faults_then_what_else_reaches_its_threshold() -> None:
    """What costs less than that is not named."""
    blur = Cause(CauseKind.BLUR, 0.12, threshold=0.1)
    causes = (FREEZE, *costs(noise=0.3, blur=0.12, loss=0.05))
    assert kinds(NamedCauses(), Assessment(quality=0.4, causes=causes, main_cause=FREEZE), 0.0) == [
        *("freeze", "noise", "blur")
    ]
    assert kinds(NamedCauses(), Assessment(quality=0.4, causes=causes, main_cause=blur), 0.0) == [
        *("blur", "freeze", "noise")
    ]


def test_nothing_is_named_on_a_good_picture() -> None:
    """A student that sees more in it than is missing is not believed; a fault is no matter of the picture."""
    assert kinds(NamedCauses(), Assessment(quality=0.95, causes=costs(compression=0.2)), 0.0) == []
    causes = (FREEZE, *costs(compression=0.2))
    assert kinds(NamedCauses(), Assessment(quality=0.95, causes=causes, main_cause=FREEZE), 0.0) == ["freeze"]


@pytest.mark.parametrize("period_s", [0.2, 0.4, 1.0])
def test_a_cost_about_its_threshold_does_not_flicker(period_s: float) -> None:
    """It begins at the threshold, and ends below eight tenths of it, two seconds later at the earliest."""
    named = NamedCauses()
    cost = itertools.cycle([0.12, 0.01])
    began_s: float | None = None
    for number in range(100):
        at_s = number * period_s
        if kinds(named, Assessment(quality=0.5, causes=costs(noise=next(cost))), at_s):
            began_s = at_s if began_s is None else began_s
        else:
            assert began_s is None or at_s - began_s >= 2.0
            began_s = None
    steady = NamedCauses()
    seen = [
        kinds(steady, Assessment(quality=0.5, causes=costs(noise=c)), t)
        for t, c in enumerate([0.1, 0.085, 0.081, 0.085, 0.075])
    ]
    assert seen == [["noise"]] * 4 + [[]]


def test_a_frame_stands_for_the_time_since_the_one_before() -> None:
    """The first for none, nor one after a jump of the clock or before it."""
    named = NamedCauses()
    spans = []
    for at_s in (1.0, 1.5, 4.0, 12.0, 11.0, 12.5):
        one = named.add(Assessment(quality=0.5), at_s)
        spans.append((one.start_s, one.end_s))
    assert spans == [(1.0, 1.0), (1.0, 1.5), (1.5, 4.0), (12.0, 12.0), (12.0, 12.0), (12.0, 12.5)]
