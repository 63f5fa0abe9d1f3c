"""Faults and causes of one stream together: named with the frame that shows them, and told to a listener."""

from __future__ import annotations

import pytest

from facegauge_server.streams.named_causes import CauseChanges
from facegauge_server.streams.stream_causes import StreamCauses
from facegauge_server.types import CauseKind, FrameResult, FrameScore, StreamQuality, StreamState

WELL = StreamQuality(StreamState.SCORED, 0.8)


def score(at_s: float) -> FrameScore:
    return FrameScore(0, at_s, FrameResult.SCORED)


@pytest.fixture
def told() -> list[CauseChanges]:
    return []


@pytest.fixture
def causes(told: list[CauseChanges]) -> StreamCauses:
    """Of a stream that has sent 30 frames a second for two seconds, each scored."""
    made = StreamCauses(told.append)
    for number in range(60):
        made.arrived(number / 30)
        assert made.scored(score(number / 30), WELL) == WELL
    return made


def test_a_gap_is_named_with_the_frame_after_it(causes: StreamCauses, told: list[CauseChanges]) -> None:
    """Not with those before it that still wait to be scored; the listener hears it once, and its end."""
    for at_s in (2.0, 3.5):
        causes.arrived(at_s)
    assert causes.scored(score(2.0), WELL) == WELL
    named = causes.scored(score(3.5), WELL)
    assert named.main_cause is not None
    assert named.main_cause.kind is CauseKind.FREEZE
    assert named.causes == (named.main_cause,)
    assert [change.began for change in told if change.began] == [(named.main_cause,)]
    for number in range(90):
        causes.arrived(3.6 + number / 30)
        causes.scored(score(3.6 + number / 30), WELL)
    assert [[one.kind for one in change.ended] for change in told if change.ended] == [[CauseKind.FREEZE]]
    assert 1.5 <= causes.times_s[CauseKind.FREEZE] <= 3.6


def test_frames_that_are_skipped_are_no_gap(causes: StreamCauses, told: list[CauseChanges]) -> None:
    """A steady stream of which one frame in two seconds is scored does not look frozen or slow."""
    for number in range(60, 600):
        causes.arrived(number / 30)
        if number % 60 == 0:
            assert causes.scored(score(number / 30), WELL) == WELL
    assert not any(change.began for change in told)


def test_silence_is_told_once_and_only_when_it_is_sure(
    causes: StreamCauses, told: list[CauseChanges]
) -> None:
    """The first check may have come before frames that the event loop had no time for."""
    assert causes.check(0.8, 0.8, WELL) is None
    named = causes.check(1.05, 1.05, WELL)
    assert named is not None
    assert named.main_cause is not None
    assert named.main_cause.kind is CauseKind.FREEZE
    again = causes.check(1.3, 1.3, WELL)
    assert again is not None
    assert [one.kind for one in again.causes] == [CauseKind.FREEZE]
    assert [len(change.began) for change in told if change.began] == [1]


def test_one_check_alone_is_no_silence(causes: StreamCauses) -> None:
    """A frame in between begins the count again."""
    assert causes.check(0.8, 0.8, WELL) is None
    causes.arrived(2.0)
    assert causes.check(0.8, 0.8, WELL) is None


def test_time_is_counted_once(causes: StreamCauses, told: list[CauseChanges]) -> None:
    """By the server's clock while nothing comes, and not again by the frame that ends it."""
    last_s = 59 / 30
    for waited_s in (0.8, 1.0, 1.5, 2.0, 3.0):
        causes.check(waited_s, waited_s, WELL)
    causes.name(WELL, 3.0)  # it goes stale
    for number in range(120):
        causes.arrived(last_s + 4.0 + number / 30)
        causes.scored(score(last_s + 4.0 + number / 30), WELL)
    assert causes.times_s[CauseKind.FREEZE] == pytest.approx(4.5, abs=0.1)
    assert sum(change.seconds.get(CauseKind.FREEZE, 0.0) for change in told) == pytest.approx(4.5, abs=0.1)


def test_units_that_cannot_be_decoded_are_named_between_scores(
    causes: StreamCauses, told: list[CauseChanges]
) -> None:
    """Nothing of them is scored, so nobody would ever be told; it ends with what can be shown again."""
    named = None
    for number in range(60, 90):
        causes.arrived(number / 30, is_decodable=False)
        if number % 8 == 0:
            named = causes.check(0.0, (number - 59) / 30, WELL) or named
    assert named is not None
    assert named.main_cause is not None
    assert named.main_cause.kind is CauseKind.FREEZE
    for number in range(90, 180):
        causes.arrived(number / 30)
        causes.scored(score(number / 30), WELL)
    assert [[one.kind for one in change.ended] for change in told if change.ended] == [[CauseKind.FREEZE]]


def test_pictures_are_told_of_in_the_order_in_which_they_are_shown(
    causes: StreamCauses, told: list[CauseChanges]
) -> None:
    """Though the units of a file with B-frames come in another, and few of them are scored."""
    for number in range(60, 240, 4):
        for shift in (3, 0, 1, 2):
            causes.arrived((number + shift) / 30)
        if number % 40 == 0:
            causes.scored(score((number + 3) / 30), WELL)
    assert not any(change.began for change in told)
    for number in range(240, 280, 4):
        causes.arrived(number / 30)
    causes.scored(score(276 / 30), WELL)
    assert [[one.kind for one in change.began] for change in told if change.began] == [
        [CauseKind.LOW_FRAME_RATE]
    ], "of 7.5 a second"


def test_causes_end_with_the_stream(causes: StreamCauses, told: list[CauseChanges]) -> None:
    """Whoever listens need not know that it was the end."""
    causes.arrived(3.5)
    named = causes.scored(score(3.5), WELL)
    causes.end()
    assert told[-1].ended == named.causes
