"""Faults of a stream, each with a picture of when it was worst: a good score sees none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from facegauge_client.cause_words import is_worse
from facegauge_client.report.moments import Moment, boxes_of
from facegauge_client.report.thumbnail import thumbnail
from facegauge_client.sdk.frames import Picture
from facegauge_client.sdk.types import Assessment, Cause, CauseKind

__all__ = ["MOST_FAULTS", "FaultMoments"]

MOST_FAULTS = 4
"""Faults that are shown of a stream: the longest."""


@dataclass(slots=True)
class _Lasting:
    """A fault for now, with the whole picture of its worst frame."""

    began_s: float
    time_s: float
    cause: Cause
    assessment: Assessment
    picture: Picture


class FaultMoments:
    """Sees every frame once. Keeps a whole frame for each fault that lasts, and few small pictures."""

    def __init__(self) -> None:
        self._lasting: dict[CauseKind, _Lasting] = {}
        self._over: list[tuple[float, Moment]] = []
        """How long each lasted, and its moment, the longest first."""
        self._last_s = 0.0

    def see(self, time_s: float, named: Iterable[Cause], assessment: Assessment, picture: Picture) -> None:
        """Take in a frame with what is named in it; times only grow."""
        faults = {cause.kind: cause for cause in named if cause.value is not None}
        for kind in self._lasting.keys() - faults.keys():
            self._settle(kind)
        self._last_s = time_s
        for kind, fault in faults.items():
            lasting = self._lasting.get(kind)
            if lasting is None or is_worse(fault, lasting.cause):
                began_s = time_s if lasting is None else lasting.began_s
                self._lasting[kind] = _Lasting(began_s, time_s, fault, assessment, picture)

    def worst(self) -> list[Moment]:
        """Return the longest faults, in the order of time."""
        for kind in list(self._lasting):
            self._settle(kind)
        return sorted((moment for _, moment in self._over), key=lambda moment: moment.time_s)

    def _settle(self, kind: CauseKind) -> None:
        """Make the small pictures of a fault that is over if it is among the longest; let go of its frame."""
        lasting = self._lasting.pop(kind)
        seconds = self._last_s - lasting.began_s
        if len(self._over) == MOST_FAULTS and self._over[-1][0] >= seconds:
            return
        small = thumbnail(lasting.picture, *boxes_of(lasting.assessment))
        if small is None:
            return
        shown = lasting.assessment
        moment = Moment(lasting.time_s, shown.raw_quality, shown.quality, small, lasting.cause)
        self._over.append((seconds, moment))
        self._over.sort(key=lambda entry: -entry[0])
        del self._over[MOST_FAULTS:]
