"""What was wrong with a stream, with figures and times."""

from __future__ import annotations

import pytest

from facegauge_client import Assessment, Cause, CauseKind
from facegauge_client.playback.cause_tally import CauseTally, CauseTotal

BLUR, LOSS = (
    Cause(kind, cost, threshold=0.1) for kind, cost in ((CauseKind.BLUR, 0.2), (CauseKind.LOSS, 0.9))
)


def freeze(value: float) -> Cause:
    return Cause(CauseKind.FREEZE, value=value, threshold=0.5)


def tally(*causes: Cause | None, fps: float = 5.0) -> CauseTally:
    made = CauseTally()
    for number, cause in enumerate(causes):
        named = () if cause is None else (cause,)
        made.add(Assessment(quality=0.5, causes=named, main_cause=cause), number / fps)
    return made


def test_what_was_the_main_cause_for_longest_comes_first() -> None:
    """However dear another one was for a moment; with its mean cost and its time."""
    dearer = Cause(CauseKind.BLUR, 0.4, threshold=0.1)
    first, second = tally(None, *[BLUR] * 4, *[dearer] * 4, LOSS).totals
    assert (first.cause.kind, first.cause.threshold) == (CauseKind.BLUR, 0.1)
    assert first.cause.cost == pytest.approx(0.3)
    assert first.seconds == first.main_s == pytest.approx(1.6)
    assert second.cause.kind == CauseKind.LOSS
    assert first.words() == "blur -0.30 for 1.6 s"


def test_a_fault_has_the_worst_of_its_values() -> None:
    """Whether it came first or last."""
    (total,) = tally(freeze(1.0), freeze(2.4), freeze(0.6)).totals
    assert (total.cause.value, total.cause.cost) == (2.4, None)
    assert total.words() == "freeze 2.4 s (limit 0.5 s) for 0.4 s"


def test_a_cause_beside_another_one_has_its_own_time() -> None:
    """Both are told, and which was the main one."""
    made = CauseTally()
    for number in range(11):
        made.add(Assessment(quality=0.3, causes=(LOSS, BLUR), main_cause=LOSS), number / 5)
    first, second = made.totals
    assert [total.cause.kind for total in (first, second)] == [CauseKind.LOSS, CauseKind.BLUR]
    assert second.seconds == pytest.approx(2.0)
    assert second.main_s == 0.0


def test_a_good_stream_has_none() -> None:
    """Nor has one without an assessment; whether the student names any is known all the same."""
    assert tally(None, None).totals == []
    assert tally().totals == []
    assert not tally(None).names_costs
    assert not tally(freeze(1.0)).names_costs, "a rule's, not the student's"
    made = CauseTally()
    made.add(Assessment(quality=0.9, causes=(Cause(CauseKind.BLUR, 0.01, threshold=0.1),)), 0.0)
    assert made.names_costs
    assert made.totals == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (3600.0, "3,600 s")]
)
def test_times_in_words(seconds: float, words: str) -> None:
    """A decimal below ten seconds."""
    assert CauseTotal(BLUR, seconds).words() == f"blur -0.20 for {words}"
