"""Quality over time as SVG: a line over the bands, the raw scores behind it, the states below it.

The drawing stretches to whatever room there is; lines, dots and words keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from facegauge_client.quality_bands import Band
from facegauge_client.report.markup import clock, text
from facegauge_client.report.strip import state_strip
from facegauge_client.report.thin import runs, segments, thin
from facegauge_client.report.track import Track

__all__ = ["quality_chart"]

WIDTH, HEIGHT = 1000, 100
HOVER_COLUMNS = 60
"""Each tells its qualities when the pointer rests on it."""
TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 7


def quality_chart(track: Track, name: str, key: str, marks_s: Sequence[float] = ()) -> str:
    """Draw a stream's quality.

    `key` makes the ids of the drawing its own; `marks_s` are the times of the worst moments, numbered from 1.
    """
    end_s = max(track.length_s, 1.0)
    marks = "".join(
        f'<a class="mark" href="#{key}-{number}" style="left:{_percent(mark_s, end_s)}">{number}</a>'
        for number, mark_s in enumerate(marks_s, 1)
    )
    parts = (
        '<div class="chart"><div class="plot">',
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"',
        f'aria-labelledby="{key}-title {key}-desc">',
        f'<title id="{key}-title">Quality of {text(name)} over time</title>',
        f'<desc id="{key}-desc">{text(_description(track))}</desc>',
        *_bands(),
        *(_rule("tick", tick_s, end_s) for tick_s in _ticks(end_s)),
        *(_rule("moment", mark_s, end_s) for mark_s in marks_s),
        *_lines(track, end_s),
        *_hover(track, end_s),
        "</svg>",
        *_quality_axis(),
        f"{marks}</div>",
        state_strip(track, end_s),
        f'<div class="times" aria-hidden="true">{"".join(_time_axis(end_s))}</div></div>',
    )
    return "\n".join(parts)


def _x(time_s: float, end_s: float) -> float:
    return round(time_s / end_s * WIDTH, 1)


def _y(quality: float) -> float:
    return round((1 - min(max(quality, 0.0), 1.0)) * HEIGHT, 1)


def _percent(time_s: float, end_s: float) -> str:
    return f"{time_s / end_s * 100:.2f}%"


def _bands() -> Iterator[str]:
    upper = 1.0
    for band in Band:
        top, bottom = _y(upper), _y(band.value)
        name = band.name.lower()
        yield f'<rect class="band {name}" y="{top}" width="{WIDTH}" height="{bottom - top:.1f}"/>'
        if band.value:
            yield f'<path class="limit {name}" d="M0 {bottom}H{WIDTH}"/>'
        upper = band.value


def _quality_axis() -> Iterator[str]:
    """Write the bands' names and limits beside them; as text, which does not stretch."""
    upper = 1.0
    yield '<span class="y" style="top:0%" aria-hidden="true">1.0</span>'
    for band in Band:
        yield f'<span class="y" style="top:{_y(band.value):g}%" aria-hidden="true">{band.value:.1f}</span>'
        middle = _y((upper + band.value) / 2)
        yield f'<span class="name" style="top:{middle:g}%" aria-hidden="true">{band.name.lower()}</span>'
        upper = band.value


def _ticks(end_s: float) -> list[float]:
    step_s: float = next((step for step in TICKS_S if end_s / step <= MOST_TICKS), TICKS_S[-1])
    while end_s / step_s > MOST_TICKS:
        step_s *= 2
    return [index * step_s for index in range(int(end_s / step_s) + 1)]


def _time_axis(end_s: float) -> Iterator[str]:
    for tick_s in _ticks(end_s):
        share = tick_s / end_s
        place = ' class="first"' if share < 0.02 else ' class="last"' if share > 0.96 else ""
        yield f'<span{place} style="left:{_percent(tick_s, end_s)}">{clock(tick_s)}</span>'


def _rule(kind: str, time_s: float, end_s: float) -> str:
    return f'<path class="{kind}" d="M{_x(time_s, end_s)} 0V{HEIGHT}"/>'


def _lines(track: Track, end_s: float) -> Iterator[str]:
    """Draw each score as a dot, and the smoothed quality as a line that breaks where there is none."""
    shown = thin(track)
    times, raw, smoothed = track.times_s[shown], track.raw_qualities[shown], track.qualities[shown]
    dots = "".join(
        f"M{_x(time_s, end_s)} {_y(quality)}h0"
        for time_s, quality in zip(times.tolist(), raw.tolist(), strict=True)
        if not math.isnan(quality)
    )
    if dots:
        yield f'<path class="raw" d="{dots}"/>'
    steps = [
        "" if math.isnan(quality) else f"{_x(time_s, end_s)} {_y(quality)}"
        for time_s, quality in zip(times.tolist(), smoothed.tolist(), strict=True)
    ]
    line = "".join(
        f"M{'L'.join(steps[start:stop])}{'h0' if stop - start == 1 else ''}"
        for start, stop in runs(segments(track)[shown])
        if steps[start]
    )
    if line:
        yield f'<path class="quality" d="{line}"/>'


def _hover(track: Track, end_s: float) -> Iterator[str]:
    columns = np.minimum(track.times_s / end_s * HOVER_COLUMNS, HOVER_COLUMNS - 1).astype(int)
    width = WIDTH / HOVER_COLUMNS
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
        yield (
            f'<rect class="hover" x="{column * width:.1f}" width="{width:.1f}" height="{HEIGHT}">'
            f"<title>{when}: {words}{more}</title></rect>"
        )


def _description(track: Track) -> str:
    qualities = track.qualities[~np.isnan(track.qualities)]
    if not len(qualities):
        return "No frame was scored."
    return (
        f"In {clock(track.length_s)} from {qualities[0]:.2f} at the start to {qualities[-1]:.2f} at the end, "
        f"{qualities.min():.2f} at the lowest and {qualities.max():.2f} at the highest."
    )
