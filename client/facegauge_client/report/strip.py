"""States of a stream over time, as a strip of bars."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from facegauge_client.report.templates import render, words
from facegauge_client.report.thin import runs
from facegauge_client.report.track import HOLDS_S, STATES, Track
from facegauge_client.sdk.types import StreamState

__all__ = ["state_strip"]

WIDTH, HEIGHT = 1000, 10
COLUMNS = 500
"""Where there are more bars than these, each column shows the worst state in it."""


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
