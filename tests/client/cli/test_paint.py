"""Qualities and states as terminal text."""

from __future__ import annotations

import pytest

from facegauge_client.cli.paint import (
    bar,
    cause_text,
    is_poor,
    number,
    short_state_text,
    sparkline,
    state_times,
    style_of,
)
from facegauge_client.sdk.types import Cause, CauseKind, StateTime, StreamState, Summary


@pytest.mark.parametrize(
    ("quality", "text", "style"),
    [
        (1.0, "1.00", "green"),
        (0.8, "0.80", "green"),
        (0.79, "0.79", "yellow"),
        (0.59, "0.59", "dark_orange"),
        (0.4, "0.40", "dark_orange"),
        (0.39, "0.39", "red"),
        (0.0, "0.00", "red"),
        (None, "-", "dim"),
    ],
)
def test_a_quality_is_coloured_by_its_band(quality: float | None, text: str, style: str) -> None:
    """Limits belong to the better band; no quality is dim and not poor."""
    assert number(quality).plain == text
    assert str(number(quality).style) == style_of(quality) == style
    assert is_poor(quality) == (style == "red")


@pytest.mark.parametrize(
    ("quality", "text"),
    [(None, "····"), (0.0, "····"), (0.5, "██··"), (0.53125, "██▏·"), (1.0, "████"), (0.999, "████")],
)
def test_a_bar_has_eighths_and_a_constant_width(quality: float | None, text: str) -> None:
    """Four cells are 32 steps; dots show the rest of the scale."""
    assert bar(quality, 4).plain == text


def test_a_sparkline_shows_the_latest_and_pads_on_the_left() -> None:
    """The newest is last; a missing quality is a gap."""
    assert sparkline((0.0, None, 1.0), 5).plain == "  ▁ █"
    assert sparkline((0.0, 0.5, 1.0), 2).plain == "▅█"
    assert sparkline((0.5,), 0).plain == ""


def test_every_state_has_a_short_form() -> None:
    """Nine cells at most, in the column of a narrow terminal."""
    assert all(0 < len(short_state_text(state).plain) <= 9 for state in StreamState)


def test_state_times_are_shares_with_the_longest_first() -> None:
    """Waiting, and what took less than half a percent, is left out."""
    times = (
        StateTime(StreamState.WAITING, 50.0),
        StateTime(StreamState.NO_FACE, 2.0),
        StateTime(StreamState.SCORED, 8.0),
        StateTime(StreamState.STALE, 0.01),
    )
    assert state_times(Summary(state_times=times)).plain == "scored 80%, no face 20%"
    assert state_times(Summary()).plain == ""


def test_a_cause_that_still_holds_is_dim() -> None:
    """Below its threshold, until it ends; nothing where nothing is wrong."""
    assert str(cause_text(Cause(CauseKind.BLUR, 0.3, threshold=0.1)).style) == "dark_orange"
    assert str(cause_text(Cause(CauseKind.BLUR, 0.09, threshold=0.1)).style) == "dim"
    assert cause_text(None).plain == ""
