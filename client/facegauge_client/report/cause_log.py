"""The causes of one stream over time, as stretches for which each was named."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_client.cause_words import worse_of
from facegauge_client.playback.cause_tally import CauseTally, CauseTotal
from facegauge_client.playback.named_causes import Named
from facegauge_client.sdk.types import Assessment, Cause

__all__ = ["CauseLane", "CauseLog", "CauseSpan"]


@dataclass(slots=True)
class CauseSpan:
    """A stretch of time for which one cause was named, in seconds since the stream's first frame."""

    start_s: float
    end_s: float
    is_main: bool
    """Whether it was the main cause; else it stood beside another one."""
    worst: Cause
    """With the figures of the frame in which it was worst."""


@dataclass(frozen=True, slots=True)
class CauseLane:
    """One cause over the whole stream."""

    total: CauseTotal
    spans: list[CauseSpan]
    """In the order of time."""


class CauseLog:
    """Collects what is named as assessments come. Memory: a span for every time that something changes."""

    def __init__(self) -> None:
        self._tally = CauseTally()
        self._spans: dict[str, list[CauseSpan]] = {}

    def add(self, assessment: Assessment, time_s: float) -> Named:
        """Note a frame's assessment, and its time since the stream's first frame; returns what is named."""
        named = self._tally.add(assessment, time_s)
        for cause in named.causes:
            spans = self._spans.setdefault(cause.kind, [])
            last, is_main = spans[-1] if spans else None, cause.kind is named.main
            if last is None or last.end_s < named.start_s or last.is_main != is_main:
                spans.append(CauseSpan(named.start_s, named.end_s, is_main, cause))
                continue
            last.end_s = named.end_s
            last.worst = worse_of(cause, last.worst)
        return named

    @property
    def names_costs(self) -> bool:
        """Whether the student tells what causes cost; one that does not names faults of the stream alone."""
        return self._tally.names_costs

    @property
    def lanes(self) -> list[CauseLane]:
        """What was named, first what was the main cause for longest."""
        return [CauseLane(total, self._spans[total.cause.kind]) for total in self._tally.totals]
