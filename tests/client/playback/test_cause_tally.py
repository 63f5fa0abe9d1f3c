"""What was wrong most of the time."""

from __future__ import annotations

import pytest

from facegauge_client import Assessment, Cause, CauseKind
from facegauge_client.playback.cause_tally import CauseTally

BLUR, LOSS = (
    Cause(kind, cost, threshold=0.1) for kind, cost in ((CauseKind.BLUR, 0.2), (CauseKind.LOSS, 0.9))
)


def tally(*causes: Cause | None) -> CauseTally:
    made = CauseTally()
    for cause in causes:
        made.add(Assessment(quality=0.5, main_cause=cause))
    return made


def test_the_most_frequent_is_the_foremost() -> None:
    """However dear another one was for a moment; with its mean cost and its share of the time."""
    dearer = Cause(CauseKind.BLUR, 0.4, threshold=0.1)
    foremost = tally(BLUR, dearer, LOSS, None).foremost
    assert foremost is not None
    assert (foremost.cause.kind, foremost.cause.threshold) == (CauseKind.BLUR, 0.1)
    assert foremost.cause.cost == pytest.approx(0.3)
    assert foremost.share == 0.5


def test_a_good_stream_has_none() -> None:
    """Nor has one without an assessment."""
    assert tally(None, None).foremost is None
    assert tally().foremost is None


def test_a_cause_without_a_cost_is_counted() -> None:
    """One that a rule found has a value instead."""
    rule = Cause(CauseKind.UNSPECIFIED, value=3.0, threshold=2.0)
    foremost = tally(rule).foremost
    assert foremost is not None
    assert (foremost.cause.cost, foremost.cause.value, foremost.share) == (None, 3.0, 1.0)
