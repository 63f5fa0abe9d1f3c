"""The worst scores of a stream: local minima of its raw score, with a picture and the cause of each."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from facegauge_client.report.thumbnail import Thumbnail, thumbnail
from facegauge_client.sdk.frames import Picture
from facegauge_client.sdk.types import Assessment, Box, Cause

__all__ = ["APART_S", "MOST_MOMENTS", "Moment", "WorstMoments", "apart_s", "boxes_of"]

MOST_MOMENTS = 6
MOST_KEPT = 24
"""Small pictures that a stream keeps while it plays, some 20 kB each."""
APART_S = 3.0
"""A moment is the lowest score within so many seconds before and after it."""
PARTS = 60
"""Parts of a long recording: moments are at least one part apart, if there are enough of them."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame in which the main face looked worse than shortly before and after, or a fault was worst."""

    time_s: float
    """Seconds since the stream's first frame."""
    raw_quality: float | None
    """None where the frame was not scored."""
    quality: float | None
    """Smoothed."""
    thumbnail: Thumbnail
    cause: Cause | None = None
    """The picture's for a score, or the fault; None where nothing was named."""
    cause_later_s: float = 0.0
    """How long after the frame it was named, since causes are smoothed; 0: in the frame."""


@dataclass(slots=True)
class _Candidate:
    """The lowest score for now, with its whole picture."""

    time_s: float
    raw_quality: float
    quality: float | None
    cause: Cause | None
    picture: Picture
    face: Box | None
    others: tuple[Box, ...]
    cause_later_s: float = 0.0

    def name(self, time_s: float, cause: Cause | None) -> None:
        """Take the cause of a later frame where none was named before: its cost follows with some lag.

        Not where less is missing than a cause must cost to be named.
        """
        if self.cause is None and cause is not None and 1 - self.raw_quality >= (cause.threshold or 0.0):
            self.cause, self.cause_later_s = cause, time_s - self.time_s


class WorstMoments:
    """Sees every scored frame once. Keeps one whole frame, and few small pictures however long it goes on."""

    def __init__(self) -> None:
        self._candidate: _Candidate | None = None
        self._before: deque[tuple[float, float]] = deque()
        """(time_s, raw_quality) of the last APART_S that could still be the lowest, rising."""
        self._kept: list[tuple[float, Moment]] = []
        """Raw qualities and their moments, the worst first."""

    def see(self, time_s: float, named: Iterable[Cause], assessment: Assessment, picture: Picture) -> None:
        """Take in a frame with what is named in it, the main cause first; times only grow."""
        raw_quality = assessment.raw_quality
        if raw_quality is None:
            return
        cause = next((cause for cause in named if cause.cost is not None), None)
        if self._candidate is not None and time_s - self._candidate.time_s >= APART_S:
            self._settle()
        while self._before and time_s - self._before[0][0] >= APART_S:
            self._before.popleft()
        if not self._before or raw_quality < self._before[0][1]:
            self._candidate = _Candidate(
                time_s, raw_quality, assessment.quality, cause, picture, *boxes_of(assessment)
            )
        if self._candidate is not None:
            self._candidate.name(time_s, cause)
        while self._before and self._before[-1][1] > raw_quality:
            self._before.pop()
        self._before.append((time_s, raw_quality))

    def worst(self, length_s: float) -> list[Moment]:
        """Return the worst of a stream of that length, in the order of time."""
        self._settle()
        least_s = apart_s(length_s)
        chosen: list[Moment] = []
        kept = [moment for _, moment in self._kept]
        for moment in kept:
            if all(abs(moment.time_s - other.time_s) >= least_s for other in chosen):
                chosen.append(moment)
        chosen += [moment for moment in kept if moment not in chosen]
        return sorted(chosen[:MOST_MOMENTS], key=lambda moment: moment.time_s)

    def _settle(self) -> None:
        """Make the small pictures of the candidate if it is among the worst; let go of its frame."""
        candidate, self._candidate = self._candidate, None
        if candidate is None:
            return
        if len(self._kept) == MOST_KEPT and self._kept[-1][0] <= candidate.raw_quality:
            return
        small = thumbnail(candidate.picture, candidate.face, candidate.others)
        if small is None:
            return
        moment = Moment(
            candidate.time_s,
            candidate.raw_quality,
            candidate.quality,
            small,
            candidate.cause,
            candidate.cause_later_s,
        )
        bisect.insort(self._kept, (candidate.raw_quality, moment), key=lambda entry: entry[0])
        del self._kept[MOST_KEPT:]


def apart_s(length_s: float) -> float:
    """Return how far apart the moments that are shown of a stream of some length shall be, seconds."""
    return max(APART_S, length_s / PARTS)


def boxes_of(assessment: Assessment) -> tuple[Box | None, tuple[Box, ...]]:
    """Return the box of the main face, None where the frame does not show it, and those of the others."""
    main = assessment.main_face
    others = tuple(face.box for face in assessment.faces if face is not main)
    return (None if main is None else main.box), others
