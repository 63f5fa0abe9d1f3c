"""Display of `facegauge demo`: score over time, bitrate and cause below it, and the series in /metrics."""

from __future__ import annotations

import functools
import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from facegauge_client.cause_words import cause_words, worse_of
from facegauge_client.cli.paint import cause_text, number, state_text, style_of
from facegauge_client.playback.named_causes import NamedCauses
from facegauge_client.sdk.types import Assessment, Cause

__all__ = ["DemoView"]

CHART_LINES = 10
AXIS_WIDTH = 6
WIDEST = 110
_Value = TypeVar("_Value")
_BLOCKS = " ▁▂▃▄▅▆▇█"


@dataclass
class DemoView:
    """State of the demo; draws itself at any width."""

    duration_s: float
    """Seconds that the chart spans."""
    metrics_url: str = ""
    hint: str = ""
    now_s: float = 0.0
    kbit_per_s: float = 0.0
    width: int = 0
    height: int = 0
    series_value: float | None = None
    """Value of facegauge_stream_quality_ratio, as last read from /metrics."""
    latest: Assessment | None = None
    _times_s: list[float] = field(default_factory=list)
    _qualities: list[float | None] = field(default_factory=list)
    _named: list[tuple[Cause, ...]] = field(default_factory=list)
    """What was named in each assessment, the main cause first."""
    _names: NamedCauses = field(default_factory=NamedCauses)
    _tells_causes: bool = False
    _bitrate_times_s: list[float] = field(default_factory=list)
    _bitrates: list[float] = field(default_factory=list)

    def note(self, assessment: Assessment) -> None:
        """Take in an assessment."""
        self.latest = assessment
        if assessment.capture_time_s is not None:
            self._times_s.append(assessment.capture_time_s)
            self._qualities.append(assessment.quality)
            self._named.append(self._names.add(assessment, assessment.capture_time_s).causes)
            self._tells_causes = self._tells_causes or bool(assessment.causes)

    def note_bitrate(self, time_s: float, kbit_per_s: float) -> None:
        """Take in the bitrate of the last second."""
        self.now_s, self.kbit_per_s = time_s, kbit_per_s
        self._bitrate_times_s.append(time_s)
        self._bitrates.append(kbit_per_s)

    def quality_between(self, start_s: float, end_s: float) -> float | None:
        """Return the mean quality over a part of the call."""
        values = [
            quality
            for time_s, quality in zip(self._times_s, self._qualities, strict=True)
            if start_s <= time_s < end_s and quality is not None
        ]
        return sum(values) / len(values) if values else None

    def causes_at(self, time_s: float) -> tuple[Cause, ...]:
        """Return what was named then, the main cause first."""
        return _value_at(self._times_s, self._named, time_s, self.now_s) or ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = max(min(options.max_width, WIDEST) - AXIS_WIDTH, 10)
        yield Text("quality of the face, 0 to 1", style="bold")
        yield from self._chart(columns)
        yield self._bitrate_strip(columns)
        if self._tells_causes:
            yield self._cause_strip(columns)
        yield self._time_axis(columns)
        yield self._numbers()
        if self._tells_causes:
            yield self._wrong()
        yield self._series()
        if self.hint:
            yield Text(self.hint, style="dim")

    def line(self) -> str:
        """Return one line of plain text, for output that is not a terminal."""
        latest = self.latest
        quality = "-" if latest is None or latest.quality is None else f"{latest.quality:.2f}"
        state = latest.state.value if latest else "waiting"
        series = "-" if self.series_value is None else f"{self.series_value:.2f}"
        return (
            f"{self.now_s:5.1f} s  {self.kbit_per_s:5.0f} kbit/s  {self.width}x{self.height}"
            f"  quality {quality}  {state}  facegauge_stream_quality_ratio {series}{self._cause_words()}"
        )

    def _cause_words(self) -> str:
        """Return what is named now for the plain line; nothing where nothing ever is."""
        if not self._tells_causes:
            return ""
        return f"  wrong: {', '.join(map(cause_words, self._named[-1])) or '-'}"

    def _window(self, columns: int) -> list[float]:
        """Return the times at the right edges of the chart's columns."""
        start_s = max(self.now_s - self.duration_s, 0.0)
        return [start_s + (column + 1) * self.duration_s / columns for column in range(columns)]

    def _chart(self, columns: int) -> RenderResult:
        values = [_value_at(self._times_s, self._qualities, t, self.now_s) for t in self._window(columns)]
        for line in range(CHART_LINES):
            bottom = CHART_LINES - 1 - line
            label = {0: "1.0", CHART_LINES // 2: "0.5", CHART_LINES - 1: "0.0"}.get(line, "")
            text = Text(
                f"{label:>{AXIS_WIDTH - 2}} ┤" if label else " " * (AXIS_WIDTH - 1) + "│", style="dim"
            )
            for value in values:
                level = 0.0 if value is None else min(max(value * CHART_LINES - bottom, 0.0), 1.0)
                text.append(_BLOCKS[round(level * 8)], style=style_of(value))
            yield text

    def _bitrate_strip(self, columns: int) -> Text:
        highest = max(self._bitrates, default=1.0)
        text = Text("kb/s │", style="dim")
        for time_s in self._window(columns):
            value = _value_at(self._bitrate_times_s, self._bitrates, time_s, self.now_s)
            level = 0 if value is None else max(round((value / highest) ** 0.5 * 8), 1)
            text.append(_BLOCKS[level], style="blue")
        return text

    def _cause_strip(self, columns: int) -> Text:
        """Draw when each main cause was named, with the figure that it had at its worst."""
        mains = [next(iter(self.causes_at(time_s)), None) for time_s in self._window(columns)]
        cells, start = [" "] * columns, 0
        for _, group in itertools.groupby(mains, key=lambda main: main and main.kind):
            run = list(group)
            stop = start + len(run)
            if named := [cause for cause in run if cause is not None]:
                free = sum(1 for _ in itertools.takewhile(lambda main: main is None, mains[stop:]))
                drawn = _stretch(cause_words(functools.reduce(worse_of, named)), len(run), free)
                cells[start : start + len(drawn)] = drawn
            start = stop
        return Text("why  │", style="dim").append("".join(cells), style="dark_orange")

    def _time_axis(self, columns: int) -> Text:
        first, last = f"{self._window(columns)[0]:.0f} s", f"{self._window(columns)[-1]:.0f} s"
        gap = max(columns - len(first) - len(last), 1)
        return Text(" " * AXIS_WIDTH + first + " " * gap + last, style="dim")

    def _numbers(self) -> Text:
        latest = self.latest
        text = Text("call     ", style="dim")
        call = f"{self.kbit_per_s:,.0f} kbit/s at {self.width}x{self.height}" if self.width else "begins"
        text.append(call, style="blue")
        text.append("   quality ")
        text.append_text(number(latest.quality if latest else None))
        text.append("  ")
        text.append_text(state_text(latest.state) if latest else Text("waiting", style="dim"))
        return text

    def _wrong(self) -> Text:
        text = Text("wrong    ", style="dim")
        named = self._named[-1]
        return text.append_text(
            Text(", ").join(map(cause_text, named)) if named else Text("nothing named", style="dim")
        )

    def _series(self) -> Text:
        text = Text("metrics  ", style="dim")
        text.append("facegauge_stream_quality_ratio ")
        text.append_text(number(self.series_value))
        text.append(f"  {self.metrics_url}", style="dim")
        return text


def _stretch(words: str, width: int, free: int) -> str:
    """Draw a stretch of the strip with its words within it, or in its place and the free cells behind it."""
    if len(words) + 4 <= width:
        return f" {words} ".center(width, "─")
    return words.ljust(width) if len(words) <= width + free else "─" * width


def _value_at(times_s: list[float], values: Sequence[_Value], time_s: float, now_s: float) -> _Value | None:
    """Return the newest value up to a time; None before the first and for the future."""
    index = bisect_right(times_s, time_s) - 1
    if not times_s or time_s > now_s + 0.5:
        return None
    return values[max(index, 0)] if index >= 0 else None
