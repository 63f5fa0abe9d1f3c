"""Quality over time as SVG: a line over the bands, the raw scores behind it, the states below it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from facegauge_client.bands import Band
from facegauge_client.report.recorder import Point
from facegauge_client.types import StreamState

__all__ = ["clock", "quality_chart", "thin"]

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, PLOT_HEIGHT = 44, 8, 10, 190
STRIP_TOP, STRIP_HEIGHT = 208, 10
PLOT_WIDTH = WIDTH - LEFT - RIGHT
COLUMNS = 800
"""Columns of the chart; of more points than twice that, each column keeps its lowest and its last."""
TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 10


def clock(seconds: float) -> str:
    """Write a time as m:ss, or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def thin(points: Sequence[Point], columns: int = COLUMNS) -> list[Point]:
    """Leave out points that nobody could see: of each column the lowest raw score and the last stay."""
    if len(points) <= 2 * columns:
        return list(points)
    start_s, span_s = points[0].time_s, max(points[-1].time_s - points[0].time_s, 1e-9)
    kept = []
    for _, group in groupby(points, key=lambda point: int((point.time_s - start_s) / span_s * columns)):
        column = list(group)
        worst = min(column, key=lambda point: math.inf if point.raw_quality is None else point.raw_quality)
        kept += [worst] if worst is column[-1] else [worst, column[-1]]
    return kept


def quality_chart(points: Sequence[Point], name: str, marks_s: Sequence[float] = ()) -> str:
    """Draw a stream's quality; `marks_s` are the times of its worst moments."""
    shown = thin(points)
    end_s = max(points[-1].time_s if points else 0.0, 1.0)

    def at(time_s: float) -> float:
        return round(LEFT + time_s / end_s * PLOT_WIDTH, 1)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>Quality of {escape(name)} over time</title>",
        f"<desc>{escape(_description(points))}</desc>",
        *_bands(),
        *_time_axis(end_s),
        *(
            f'<line class="mark" x1="{at(mark_s)}" x2="{at(mark_s)}" y1="{TOP}" y2="{TOP + PLOT_HEIGHT}"/>'
            for mark_s in marks_s
        ),
        '<g class="raw">',
        *(
            f'<circle cx="{at(p.time_s)}" cy="{_y(p.raw_quality)}" r="1.6"/>'
            for p in shown
            if p.raw_quality is not None
        ),
        "</g>",
        *_line(shown, at),
        *_states(points, end_s),
        "</svg>",
    ]
    return "\n".join(parts)


def _y(quality: float) -> float:
    return round(TOP + (1 - quality) * PLOT_HEIGHT, 1)


def _bands() -> Iterator[str]:
    """Draw each band and where it begins."""
    upper = 1.0
    for band in Band:
        top, bottom = _y(upper), _y(band.value)
        yield (
            f'<rect class="band {band.name.lower()}" x="{LEFT}" y="{top}" width="{PLOT_WIDTH}" '
            f'height="{bottom - top:.1f}"/>'
        )
        yield f'<text x="{LEFT - 6}" y="{bottom + 4}" text-anchor="end">{band.value:.1f}</text>'
        upper = band.value
    yield f'<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">1.0</text>'


def _time_axis(end_s: float) -> Iterator[str]:
    step_s = next((step for step in TICKS_S if end_s / step <= MOST_TICKS), TICKS_S[-1])
    while end_s / step_s > MOST_TICKS:
        step_s *= 2
    tick_s = 0.0
    while tick_s <= end_s:
        x = LEFT + tick_s / end_s * PLOT_WIDTH
        yield f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + PLOT_HEIGHT}"/>'
        anchor = "end" if x > WIDTH - 30 else "middle"
        yield f'<text x="{x:.1f}" y="{HEIGHT - 18}" text-anchor="{anchor}">{clock(tick_s)}</text>'
        tick_s += step_s


def _line(points: Sequence[Point], at: object) -> Iterator[str]:
    """Draw the smoothed quality, broken where there is none."""
    assert callable(at)  # noqa: S101 - tells mypy
    for has_quality, group in groupby(points, key=lambda point: point.quality is not None):
        if has_quality:
            places = [f"{at(p.time_s)},{_y(p.quality)}" for p in group if p.quality is not None]
            places = places if len(places) > 1 else places * 2
            yield f'<polyline class="quality" points="{" ".join(places)}"/>'


def _states(points: Sequence[Point], end_s: float) -> Iterator[str]:
    """Draw a strip of the states, each until the next begins."""
    runs = [(state, next(iter(group)).time_s) for state, group in groupby(points, key=lambda p: p.state)]
    ends_s = [*(start_s for _, start_s in runs), end_s][1:]
    for (state, start_s), until_s in zip(runs, ends_s, strict=True):
        x, width = LEFT + start_s / end_s * PLOT_WIDTH, max((until_s - start_s) / end_s * PLOT_WIDTH, 0.8)
        words = f"{_words(state)}, {clock(start_s)} to {clock(until_s)}"
        yield (
            f'<rect class="state {state.value}" x="{x:.1f}" y="{STRIP_TOP}" width="{width:.1f}" '
            f'height="{STRIP_HEIGHT}"><title>{words}</title></rect>'
        )


def _words(state: StreamState) -> str:
    return state.value.replace("_", " ")


def _description(points: Sequence[Point]) -> str:
    qualities = [point.quality for point in points if point.quality is not None]
    if not qualities:
        return "No frame was scored."
    return f"From {min(qualities):.2f} to {max(qualities):.2f}, {qualities[-1]:.2f} at the end."
