"""What was wrong with a stream most of the time, over its assessments."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from facegauge_client.sdk.types import Assessment, Cause, CauseKind

__all__ = ["CauseTally", "Foremost"]


@dataclass(frozen=True, slots=True)
class Foremost:
    """The cause that was the main one in most assessments."""

    cause: Cause
    """The cause, with its mean cost there."""
    share: float
    """Share of the assessments that have a quality, 0-1."""


class CauseTally:
    """Counts the main causes of a stream's assessments, in constant memory."""

    def __init__(self) -> None:
        self._with_quality = 0
        self._times: Counter[CauseKind] = Counter()
        self._costs: defaultdict[CauseKind, float] = defaultdict(float)
        self._last: dict[CauseKind, Cause] = {}

    def add(self, assessment: Assessment) -> None:
        """Count an assessment."""
        self._with_quality += assessment.quality is not None
        if (cause := assessment.main_cause) is not None:
            self._times[cause.kind] += 1
            self._costs[cause.kind] += cause.cost or 0.0
            self._last[cause.kind] = cause

    @property
    def foremost(self) -> Foremost | None:
        """The cause that was the main one most often; None where none ever was."""
        if not self._times:
            return None
        ((kind, times),) = self._times.most_common(1)
        last = self._last[kind]
        cost = None if last.cost is None else self._costs[kind] / times
        return Foremost(replace(last, cost=cost), min(times / max(self._with_quality, 1), 1.0))
