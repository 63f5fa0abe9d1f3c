"""What is named as wrong with a stream: when each cause begins and ends, for how long, and which comes first.

Faults come from rules that have their own patience, and are named while they last. A cause of the picture is
named once its smoothed cost reaches the threshold, and ends once it is clearly below, at the earliest after
`LEAST_S`. What `NamedCauses.update` returns is the one place where a cause's begin and end can be seen.

Everything is a function of capture time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from facegauge_server.snapshots import NamedSnapshot
from facegauge_server.stages.causes import reaches_threshold
from facegauge_server.types import Cause, CauseKind, Fault, NamedCause

__all__ = ["CauseChanges", "NamedCauses"]

LEAST_S = 2.0
"""A cause of the picture lasts so long at least, and the next one comes first so much later."""
END_SHARE = 0.8
"""Share of its threshold below which a cause's cost must fall for it to end."""
LONGEST_STEP_S = 5.0
"""Time between two frames that counts as time of a cause at most: beyond, the sender's clock has jumped."""


@dataclass(frozen=True, slots=True)
class CauseChanges:
    """What one update changed."""

    began: tuple[NamedCause, ...] = ()
    ended: tuple[NamedCause, ...] = ()
    """With the figures that they had last."""
    seconds: Mapping[CauseKind, float] = field(default_factory=dict)
    """Capture time that has passed with each cause named."""
    at_s: float = field(default=0.0, compare=False)
    """Capture time of the update."""


class NamedCauses:
    """The named causes of one stream. Capture times must never decrease."""

    def __init__(self) -> None:
        self.main: NamedCause | None = None
        """What to say first."""
        self.times_s: dict[CauseKind, float] = {}
        """For which each cause has been named so far."""
        self._named: dict[CauseKind, NamedCause] = {}
        self._since_s: dict[CauseKind, float] = {}
        self._main_since_s = float("-inf")
        self._updated_s: float | None = None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Faults that last, the foremost first."""
        return tuple(one for one in self._named.values() if isinstance(one, Fault))

    def update(
        self, faults: Iterable[Fault], causes: Iterable[Cause], quality: float | None, at_s: float
    ) -> CauseChanges:
        """Take over what a frame has shown.

        Args:
            faults: those that last, the foremost first.
            causes: the main face's, smoothed.
            quality: the main face's, smoothed; None where there is none.
            at_s: capture time.
        """
        before = self._named
        pictured = {cause.kind: cause for cause in causes if self._is_named(cause, quality, at_s)}
        self._named = {**{fault.kind: fault for fault in faults}, **pictured}
        self._since_s = {kind: self._since_s.get(kind, at_s) for kind in self._named}
        self._choose_main(at_s)
        return CauseChanges(
            tuple(one for kind, one in self._named.items() if kind not in before),
            tuple(one for kind, one in before.items() if kind not in self._named),
            self._count(at_s),
            at_s,
        )

    def end(self) -> CauseChanges:
        """End all causes: the stream is over."""
        ended, self._named, self.main = tuple(self._named.values()), {}, None
        return CauseChanges(ended=ended, at_s=self._updated_s or 0.0)

    def snapshot(self) -> NamedSnapshot:
        """Return what is named, and since when."""
        since_s = self._main_since_s
        return NamedSnapshot(
            named=tuple((cause, self._since_s[kind]) for kind, cause in self._named.items()),
            main=_kind(self.main),
            main_since_s=since_s if math.isfinite(since_s) else None,
            updated_s=self._updated_s,
            times_s=tuple(self.times_s.items()),
        )

    def restore(self, snapshot: NamedSnapshot) -> None:
        """Go on from a snapshot; what is named in it has been told."""
        self._named = {cause.kind: cause for cause, _ in snapshot.named}
        self._since_s = {cause.kind: since_s for cause, since_s in snapshot.named}
        self.main = None if snapshot.main is None else self._named.get(snapshot.main)
        if snapshot.main_since_s is not None:
            self._main_since_s = snapshot.main_since_s
        self._updated_s = snapshot.updated_s
        self.times_s = dict(snapshot.times_s)

    def _is_named(self, cause: Cause, quality: float | None, at_s: float) -> bool:
        if cause.kind not in self._since_s:
            return reaches_threshold(cause, quality)
        began_s = self._since_s[cause.kind]
        if self.main is not None and self.main.kind is cause.kind:
            began_s = max(began_s, self._main_since_s)
        return at_s - began_s < LEAST_S or _costs(cause)

    def _choose_main(self, at_s: float) -> None:
        fault = next(iter(self.faults), None)
        # One that only lasts out its least time is not what to say first: the picture has recovered.
        pictured = [one for one in self._named.values() if isinstance(one, Cause) and _costs(one)]
        dearest = max(pictured, key=lambda cause: cause.cost, default=None)
        now = None if self.main is None else self._named.get(self.main.kind)
        chosen: NamedCause | None = fault or dearest
        if fault is None and at_s - self._main_since_s < LEAST_S:
            chosen = now
        if _kind(chosen) is not _kind(self.main):
            self._main_since_s = at_s
        self.main = chosen

    def _count(self, at_s: float) -> Mapping[CauseKind, float]:
        passed_s = 0.0 if self._updated_s is None else at_s - self._updated_s
        self._updated_s = at_s
        if not 0 < passed_s <= LONGEST_STEP_S:
            return {}
        for kind in self._named:
            self.times_s[kind] = self.times_s.get(kind, 0.0) + passed_s
        return dict.fromkeys(self._named, passed_s)


def _costs(cause: Cause) -> bool:
    """Return whether a cause that is named still costs about what it must."""
    return cause.cost >= END_SHARE * (cause.threshold or 0.0)


def _kind(cause: NamedCause | None) -> CauseKind | None:
    return None if cause is None else cause.kind
