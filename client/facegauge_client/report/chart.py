"""Quality over time as SVG: a line over the bands, the raw scores behind it, causes and states below it.

The drawing stretches to whatever room there is; lines, dots and words keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from facegauge_client.quality_bands import Band
from facegauge_client.report.cause_log import CauseLane
from facegauge_client.report.strip import cause_strips, state_strip
from facegauge_client.report.templates import clock, render
from facegauge_client.report.thin import runs, segments, thin
from facegauge_client.report.track import Track

__all__ = ["quality_chart"]

WIDTH, HEIGHT = 1000, 100
HOVER_COLUMNS = 60
"""Columns that show their qualities while the pointer rests on them."""
TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 7


def quality_chart(
    track: Track, name: str, key: str, marks_s: Sequence[float] = (), lanes: Sequence[CauseLane] = ()
) -> Markup:
    """Draw a stream's quality, and below it what was named as wrong (`lanes`).

    `key` makes the ids of the drawing unique; `marks_s` are the times of the worst moments, numbered from 1.
    """
    end_s = max(track.length_s, 1.0)
    dots, line = _lines(track, end_s)
    return render(
        "chart.html.j2",
        width=WIDTH,
        height=HEIGHT,
        key=key,
        name=name,
        description=_description(track),
        bands=list(_bands()),
        ticks=[_Mark.at(tick_s, end_s) for tick_s in _ticks(end_s)],
        marks=[_Mark.at(mark_s, end_s) for mark_s in marks_s],
        dots=dots,
        line=line,
        columns=list(_hover(track, end_s)),
        column_width=WIDTH / HOVER_COLUMNS,
        causes=cause_strips(lanes, end_s),
        strip=state_strip(track, end_s),
    )


@dataclass(frozen=True, slots=True)
class _BandArea:
    """A band of quality as a rectangle over the whole width."""

    name: str
    limit: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Mark:
    """A time on the horizontal axis."""

    time_s: float
    x: float
    percent: float

    @classmethod
    def at(cls, time_s: float, end_s: float) -> _Mark:
        return cls(time_s, _x(time_s, end_s), time_s / end_s * 100)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that shows its qualities while the pointer rests on it."""

    x: float
    words: str


def _x(time_s: float, end_s: float) -> float:
    return round(time_s / end_s * WIDTH, 1)


def _y(quality: float) -> float:
    return round((1 - min(max(quality, 0.0), 1.0)) * HEIGHT, 1)


def _bands() -> Iterator[_BandArea]:
    upper = 1.0
    for band in Band:
        yield _BandArea(band.name.lower(), band.value, _y(upper), _y(band.value))
        upper = band.value


def _ticks(end_s: float) -> list[float]:
    step_s: float = next((step for step in TICKS_S if end_s / step <= MOST_TICKS), TICKS_S[-1])
    while end_s / step_s > MOST_TICKS:
        step_s *= 2
    return [index * step_s for index in range(int(end_s / step_s) + 1)]


def _lines(track: Track, end_s: float) -> tuple[str, str]:
    """Return two SVG paths: a dot per score, and the smoothed quality as a line with its gaps."""
    shown = thin(track)
    times, raw, smoothed = track.times_s[shown], track.raw_qualities[shown], track.qualities[shown]
    dots = "".join(
        f"M{_x(time_s, end_s)} {_y(quality)}h0"
        for time_s, quality in zip(times.tolist(), raw.tolist(), strict=True)
        if not math.isnan(quality)
    )
    steps = [
        "" if math.isnan(quality) else f"{_x(time_s, end_s)} {_y(quality)}"
        for time_s, quality in zip(times.tolist(), smoothed.tolist(), strict=True)
    ]
    line = "".join(
        f"M{'L'.join(steps[start:stop])}{'h0' if stop - start == 1 else ''}"
        for start, stop in runs(segments(track)[shown])
        if steps[start]
    )
    return dots, line


def _hover(track: Track, end_s: float) -> Iterator[_Column]:
    columns = np.minimum(track.times_s / end_s * HOVER_COLUMNS, HOVER_COLUMNS - 1).astype(int)
    for column in np.unique(columns):
        frames = columns == column
        start_s, until_s = column * end_s / HOVER_COLUMNS, (column + 1) * end_s / HOVER_COLUMNS
        qualities = track.qualities[frames & ~np.isnan(track.qualities)]
        words = "no quality"
        if len(qualities):
            least, most = (f"{quality:.2f}" for quality in (qualities.min(), qualities.max()))
            words = f"quality {least}" if least == most else f"quality {least} to {most}"
        faces = int(track.faces[frames].max())
        more = f", {faces} faces" if faces > 1 else ""
        when = clock(start_s) if until_s - start_s < 1 else f"{clock(start_s)} to {clock(until_s)}"
        yield _Column(column * WIDTH / HOVER_COLUMNS, f"{when}: {words}{more}")


def _description(track: Track) -> str:
    qualities = track.qualities[~np.isnan(track.qualities)]
    if not len(qualities):
        return "No frame was scored."
    return (
        f"In {clock(track.length_s)} from {qualities[0]:.2f} at the start to {qualities[-1]:.2f} at the end, "
        f"{qualities.min():.2f} at the lowest and {qualities.max():.2f} at the highest."
    )
