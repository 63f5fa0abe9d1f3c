"""Causes in words: a name and a figure, always."""

from __future__ import annotations

import pytest

from facegauge_client.cause_words import SHORT_CHARS, cause_name, cause_words, is_worse
from facegauge_client.sdk.types import Cause, CauseKind

FAULTS = [
    (Cause(CauseKind.FREEZE, value=2.43, threshold=0.5), "freeze 2.4 s (limit 0.5 s)", "freeze 2.4 s"),
    (Cause(CauseKind.BLACK, value=0.996, threshold=0.98), "black 100% (limit 98%)", "black 100%"),
    (
        Cause(CauseKind.COVERED, value=3.14, threshold=4.5),
        "covered 3.1/255 detail (limit 4.5/255)",
        "covered 3.1/255",
    ),
    (Cause(CauseKind.NO_FACE, value=61.2, threshold=0.5), "no face 61 s (limit 0.5 s)", "no face 61 s"),
    (
        Cause(CauseKind.FACE_TOO_SMALL, value=24.2, threshold=32.0),
        "face too small 24 px (limit 32 px)",
        "small face 24 px",
    ),
    (
        Cause(CauseKind.FACE_CUT_OFF, value=-0.004, threshold=0.03),
        "face cut off 0 sides to the edge (limit 0.03 sides)",
        "cut off 0 sides",
    ),
    (
        Cause(CauseKind.LOW_FRAME_RATE, value=4.25, threshold=10.0),
        "low frame rate 4.2 fps (limit 10 fps)",
        "low rate 4.2 fps",
    ),
]


@pytest.mark.parametrize(("fault", "words", "short"), FAULTS, ids=lambda item: getattr(item, "kind", ""))
def test_a_fault_has_its_value_beside_the_limit(fault: Cause, words: str, short: str) -> None:
    """In the kind's unit; where there is little room, without the limit."""
    assert cause_words(fault) == words
    assert cause_words(fault, short=True) == short


def test_a_cause_of_the_picture_has_its_cost() -> None:
    """What the picture loses by it."""
    assert cause_words(Cause(CauseKind.COMPRESSION, 0.314, threshold=0.1)) == "compression -0.31"
    assert cause_words(Cause(CauseKind.COMPRESSION, 0.314), short=True) == "compression -0.31"


@pytest.mark.parametrize("kind", CauseKind)
def test_every_kind_has_a_name_and_fits(kind: CauseKind) -> None:
    """Also one that only a later server knows."""
    assert cause_name(kind)
    assert "_" not in cause_name(kind)
    assert "unspecified" not in cause_words(Cause(kind, 0.5)) + cause_words(Cause(kind, 0.5), short=True)
    for cause in (Cause(kind, 0.5), Cause(kind, value=12.345)):
        assert len(cause_words(cause, short=True)) <= SHORT_CHARS


def test_a_figure_that_was_not_sent_is_no_zero() -> None:
    """It is unknown."""
    assert cause_words(Cause(CauseKind.BLUR)) == "blur ?"
    assert cause_words(Cause(CauseKind.FREEZE, value=2.0)) == "freeze 2 s"


def test_which_of_two_is_worse() -> None:
    """The dearer, the longer, the smaller face, the lower rate; not the same again."""
    blur = Cause(CauseKind.BLUR, 0.2), Cause(CauseKind.BLUR, 0.3)
    freeze = Cause(CauseKind.FREEZE, value=1.0), Cause(CauseKind.FREEZE, value=2.0)
    rate = Cause(CauseKind.LOW_FRAME_RATE, value=6.0), Cause(CauseKind.LOW_FRAME_RATE, value=4.0)
    for better, worse in (blur, freeze, rate):
        assert is_worse(worse, better)
        assert not is_worse(better, worse)
        assert not is_worse(worse, worse)
