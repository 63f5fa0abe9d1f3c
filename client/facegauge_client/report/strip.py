"""States of a stream over time, and what was named as wrong with it, as strips of bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from facegauge_client.cause_words import cause_words, worse_of
from facegauge_client.report.cause_log import CauseLane, CauseSpan
from facegauge_client.report.templates import clock, render, words
from facegauge_client.report.thin import runs
from facegauge_client.report.track import HOLDS_S, STATES, Track
from facegauge_client.sdk.types import StreamState

__all__ = ["cause_strips", "state_strip"]

WIDTH, HEIGHT = 1000, 10
COLUMNS = 500
"""Where there are more bars than these, each column shows the worst state in it."""
MOST_LANES = 8
MOST_SPANS_SAID = 12
"""Stretches of one cause that are told in words; of more, how many there are."""


def state_strip(track: Track, end_s: float) -> Markup:
    """Draw a bar for each stretch of one state; nothing where no frame came for some seconds."""
    bars = [
        {
            "state": state,
            "x": start_s / end_s * WIDTH,
            "width": max((until_s - start_s) / end_s * WIDTH, 1),
            "start_s": start_s,
            "end_s": until_s,
        }
        for state, start_s, until_s in _runs(track, end_s)
    ]
    return render("strip.html.j2", width=WIDTH, height=HEIGHT, bars=bars, description=_description(track))


def cause_strips(lanes: Sequence[CauseLane], end_s: float) -> Markup:
    """Draw a strip for each cause below its figure and time in words; nothing where none was named.

    Bars are high where it was the main cause.
    """
    shown = [
        {
            "words": lane.total.words(),
            "description": _told(lane),
            "bars": [_bar(span, end_s) for span in _joined(lane.spans, end_s / COLUMNS)],
        }
        for lane in lanes[:MOST_LANES]
    ]
    more = [lane.total.words() for lane in lanes[MOST_LANES:]]
    return render("causes.html.j2", width=WIDTH, height=HEIGHT, lanes=shown, more=more)


def _bar(span: CauseSpan, end_s: float) -> dict[str, object]:
    height = HEIGHT if span.is_main else HEIGHT / 2
    return {
        "x": span.start_s / end_s * WIDTH,
        "y": HEIGHT - height,
        "width": max((span.end_s - span.start_s) / end_s * WIDTH, 2),
        "height": height,
        "is_main": span.is_main,
        "words": _span_words(span),
    }


def _span_words(span: CauseSpan) -> str:
    return f"{clock(span.start_s)} to {clock(span.end_s)}, {cause_words(span.worst)} at worst"


def _told(lane: CauseLane) -> str:
    parts = "; ".join(map(_span_words, lane.spans[:MOST_SPANS_SAID]))
    left = len(lane.spans) - MOST_SPANS_SAID
    return f"{lane.total.words()}: {parts}{f'; and {left} times more' if left > 0 else ''}"


def _joined(spans: list[CauseSpan], apart_s: float) -> list[CauseSpan]:
    """Join spans that nobody could tell apart; where they are not alike, the main cause's is shown."""
    joined: list[CauseSpan] = []
    for span in spans:
        last = joined[-1] if joined else None
        is_near = last is not None and span.start_s - last.end_s < apart_s
        is_short = last is not None and min(_seconds(last), _seconds(span)) < apart_s
        if last is None or not is_near or not (last.is_main == span.is_main or is_short):
            joined.append(span)
            continue
        worst = worse_of(span.worst, last.worst)
        joined[-1] = CauseSpan(last.start_s, span.end_s, last.is_main or span.is_main, worst)
    return joined


def _seconds(span: CauseSpan) -> float:
    return span.end_s - span.start_s


def _runs(track: Track, end_s: float) -> list[tuple[StreamState, float, float]]:
    """Return stretches of one state: the state, its start and its end in seconds."""
    times_s, states = track.times_s, track.states
    late = np.diff(times_s, prepend=times_s[:1]) > HOLDS_S
    found = runs(np.cumsum(late) * len(STATES) + states)
    if len(found) > COLUMNS:
        found = runs(np.minimum(times_s / end_s * COLUMNS, COLUMNS - 1).astype(np.int64))
    ends_s = np.minimum(times_s + track.seconds, end_s)
    return [
        (STATES[states[start:stop].max()], float(times_s[start]), float(ends_s[stop - 1]))
        for start, stop in found
    ]


def _description(track: Track) -> str:
    total_s = max(float(track.seconds.sum()), 1e-9)
    shares = (
        f"{words(STATES[index])} {track.seconds[track.states == index].sum() / total_s:.0%}"
        for index in np.unique(track.states)
    )
    return f"Time in each state: {', '.join(shares)}"
