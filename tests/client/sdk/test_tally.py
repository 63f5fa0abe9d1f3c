"""Frames that are kept to be sent again: which, for how long, and what is done with a second answer."""

from __future__ import annotations

import pytest

from facegauge_client import EncodedFrame, FrameEncoding
from facegauge_client.sdk import tally as tally_module
from facegauge_client.sdk.tally import Outgoing, Tally

FRAME = EncodedFrame(FrameEncoding.JPEG, bytes(100))


def sent(*sequences: int, keep: bool = True) -> Tally:
    """A tally of frames that were sent."""
    tally = Tally(keep_unanswered=keep)
    for sequence in sequences:
        tally.begin(Outgoing(sequence, float(sequence), FRAME))
        tally.written()
    return tally


def numbers(items: list[Outgoing]) -> list[int]:
    return [item.sequence for item in items]


def test_without_checkpoints_a_frame_is_kept_until_it_is_answered() -> None:
    """As an older server wants it: what it has not answered is sent to the next one."""
    tally = sent(1, 2, 3)
    assert tally.answered(1)
    assert numbers(tally.take_unanswered()) == [2, 3]
    assert tally.sent == 1
    assert not tally.has_unanswered


def test_after_a_checkpoint_answered_frames_are_kept_for_the_next_server() -> None:
    """It gets all that the checkpoint does not know of, and a second answer is nobody's business."""
    tally = sent(*range(8))
    for sequence in range(6):
        assert tally.answered(sequence)
        if sequence == 2:
            tally.checkpointed(2)
    again = tally.take_resent(2)
    assert numbers(again) == [3, 4, 5, 6, 7]
    for item in again:
        tally.begin(item)
        tally.written()
    assert [tally.answered(sequence) for sequence in (3, 4, 5, 6, 7)] == [False, False, False, True, True]
    assert tally.answered(None)
    assert tally.sent == 8


def test_a_server_that_kept_the_stream_gets_only_what_it_does_not_know() -> None:
    """It is fresher than the checkpoint; a server that does not say what it knows gets nothing again."""
    tally = sent(*range(6))
    tally.checkpointed(1)
    for sequence in (2, 3):
        tally.answered(sequence)
    assert numbers(tally.take_resent(4)) == [5]
    assert sent(1, 2).take_resent(None) == []


def test_what_is_begun_anew_gets_only_unanswered_frames() -> None:
    """A second answer would be of another smoothing."""
    tally = sent(*range(6))
    tally.checkpointed(1)
    tally.answered(2)
    assert numbers(tally.take_unanswered()) == [3, 4, 5]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no checkpoint comes any more, the oldest answered frames are let go."""
    monkeypatch.setattr(tally_module, "MAX_KEPT_BYTES", 250)
    tally = sent(*range(6))
    tally.checkpointed(None)
    for sequence in range(5):
        tally.answered(sequence)
    assert numbers(tally.take_resent(0)) == [3, 4, 5]


def test_a_live_stream_keeps_nothing() -> None:
    """Old frames of a call are worth nothing."""
    tally = sent(1, 2, keep=False)
    tally.checkpointed(1)
    assert tally.answered(1)
    assert tally.take_resent(0) == tally.take_unanswered() == []
