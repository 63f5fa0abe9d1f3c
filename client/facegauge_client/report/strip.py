"""A stream's states over time as a strip of bars, and what they mean."""

from __future__ import annotations

import numpy as np

from facegauge_client.report.markup import clock
from facegauge_client.report.thin import runs
from facegauge_client.report.track import HOLDS_S, STATES, Track
from facegauge_client.sdk.types import StreamState

__all__ = ["state_legend", "state_strip"]

WIDTH, HEIGHT = 1000, 10
COLUMNS = 500
"""Where there are more bars than these, each column shows the worst state in it."""


def state_strip(track: Track, end_s: float) -> str:
    """Draw a bar for each stretch of one state; nothing where no frame came for some seconds."""
    bars = "".join(
        f'<rect class="state {state.value}" x="{start_s / end_s * WIDTH:.1f}" '
        f'width="{max((until_s - start_s) / end_s * WIDTH, 1):.1f}" height="{HEIGHT}">'
        f"<title>{words_of(state)}, {clock(start_s)} to {clock(until_s)}</title></rect>"
        for state, start_s, until_s in _runs(track, end_s)
    )
    return (
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{_description(track)}">{bars}</svg>'
    )


def state_legend(track: Track) -> str:
    """Explain the colours of the states that occur."""
    return "".join(
        f'<span><i class="state {STATES[index].value}"></i>{words_of(STATES[index])}</span>'
        for index in np.unique(track.states)
    )


def words_of(state: StreamState) -> str:
    """Return a state as people write it."""
    return state.value.replace("_", " ")


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
        f"{words_of(STATES[index])} {track.seconds[track.states == index].sum() / total_s:.0%}"
        for index in np.unique(track.states)
    )
    return f"Time in each state: {', '.join(shares)}"
