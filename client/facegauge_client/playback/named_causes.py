"""What is named as wrong with a stream, assessment by assessment, so that nothing flickers.

The server says which faults last and which cause comes first. Other causes of the picture come as costs: they
are named here by the rules of the server (docs/causes.md), so that their times are those of its summary.
"""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_client.sdk.types import Assessment, Cause, CauseKind

__all__ = ["Named", "NamedCauses"]

LEAST_S = 2.0
"""How long a cause of the picture is named at least."""
END_SHARE = 0.8
"""Share of its threshold below which its cost must fall for it to end."""
LONGEST_STEP_S = 5.0
"""Longest time between two frames that counts."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is named in one frame, which stands for the time since the frame before."""

    start_s: float
    end_s: float
    causes: tuple[Cause, ...]
    """The main cause first, where there is one."""
    main: CauseKind | None


class NamedCauses:
    """The named causes of one stream."""

    def __init__(self) -> None:
        self._since_s: dict[CauseKind, float] = {}
        self._last_s: float | None = None

    def add(self, assessment: Assessment, at_s: float) -> Named:
        """Take a frame's assessment; `at_s` is its capture time on any clock, where going back is no time."""
        at_s = at_s if self._last_s is None else max(at_s, self._last_s)
        main = assessment.main_cause
        named = {} if main is None else {main.kind: main}
        begun = {cause.kind for cause in assessment.named_causes}
        for cause in assessment.causes:
            if cause.kind in begun or self._goes_on(cause, at_s):
                named.setdefault(cause.kind, cause)
        self._since_s = {kind: self._since_s.get(kind, at_s) for kind in named}
        passed_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._last_s = at_s
        start_s = at_s - passed_s if passed_s <= LONGEST_STEP_S else at_s
        return Named(start_s, at_s, tuple(named.values()), None if main is None else main.kind)

    def _goes_on(self, cause: Cause, at_s: float) -> bool:
        since_s = self._since_s.get(cause.kind)
        if since_s is None or cause.cost is None:
            return False
        return at_s - since_s < LEAST_S or cause.cost >= END_SHARE * (cause.threshold or 0.0)
