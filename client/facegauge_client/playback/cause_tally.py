"""What was wrong with a stream: each cause with its figure, and for how long it was named."""

from __future__ import annotations

from dataclasses import dataclass, replace

from facegauge_client.cause_words import cause_words, worse_of
from facegauge_client.playback.named_causes import Named, NamedCauses
from facegauge_client.sdk.types import Assessment, Cause, CauseKind

__all__ = ["CauseTally", "CauseTotal"]


@dataclass(frozen=True, slots=True)
class CauseTotal:
    """One cause over a whole stream."""

    cause: Cause
    """With its mean cost while it was named, or the worst value."""
    seconds: float = 0.0
    """For which it was named, of capture time."""
    main_s: float = 0.0
    """For which it was the main one."""

    def words(self) -> str:
        """Return the cause with its figure and its time."""
        return f"{cause_words(self.cause)} for {seconds_words(self.seconds)}"


@dataclass(slots=True)
class _Sum:
    worst: Cause
    frames: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    main_s: float = 0.0

    def total(self) -> CauseTotal:
        cost = None if self.worst.cost is None else self.cost / self.frames
        return CauseTotal(replace(self.worst, cost=cost), self.seconds, self.main_s)


class CauseTally:
    """Sums up the causes that are named in a stream's assessments, in constant memory."""

    def __init__(self) -> None:
        self.names_costs = False
        """Whether the student has told what causes cost, be it nothing: one that does not names none."""
        self._named = NamedCauses()
        self._sums: dict[CauseKind, _Sum] = {}

    def add(self, assessment: Assessment, at_s: float) -> Named:
        """Take a frame's assessment and its capture time; returns what is named in it."""
        self.names_costs = self.names_costs or any(cause.cost is not None for cause in assessment.causes)
        named = self._named.add(assessment, at_s)
        passed_s = named.end_s - named.start_s
        for cause in named.causes:
            entry = self._sums.setdefault(cause.kind, _Sum(cause))
            entry.worst = worse_of(cause, entry.worst)
            entry.frames += 1
            entry.cost += cause.cost or 0.0
            entry.seconds += passed_s
            entry.main_s += passed_s if cause.kind is named.main else 0.0
        return named

    @property
    def totals(self) -> list[CauseTotal]:
        """What was named, first what was the main cause for longest; empty where nothing ever was."""
        totals = [entry.total() for entry in self._sums.values()]
        return sorted(totals, key=lambda total: (-round(total.main_s, 3), -total.seconds))


def seconds_words(seconds: float) -> str:
    """Write a time in seconds, with a decimal below ten."""
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:,.0f} s"
