"""What a report keeps of one stream while it plays: every score, and the pictures of its worst moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facegauge_client.frames import Picture
from facegauge_client.report.thumbnail import Thumbnail, thumbnail
from facegauge_client.types import Assessment, StreamState

__all__ = ["MOST_MOMENTS", "Moment", "Point", "Recorder"]

MOST_MOMENTS = 6
APART_S = 3.0
"""Capture time between two of the worst moments, at least: neighbouring frames look alike."""
MOST_WAITING = 64
"""Frames that are kept until their assessment comes, at most."""


@dataclass(frozen=True, slots=True)
class Point:
    """What was said of one frame."""

    time_s: float
    """Since the stream's first frame."""
    quality: float | None
    """Smoothed, 0-1."""
    raw_quality: float | None
    """Of this frame alone, 0-1."""
    state: StreamState


@dataclass(frozen=True, slots=True)
class Moment:
    """One of the frames in which the main face looked worst."""

    time_s: float
    raw_quality: float
    thumbnail: Thumbnail


class Recorder:
    """Of one stream. Memory grows by some dozen bytes a frame; pictures stay of the worst moments alone."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.moments: list[Moment] = []
        """In the order of time."""
        self._waiting: dict[float, Picture] = {}
        self._first_s: float | None = None

    def sent(self, picture: Picture, capture_time_s: float) -> None:
        """Keep a frame until the server has answered it."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        self._waiting[capture_time_s] = picture

    def answered(self, assessment: Assessment) -> None:
        """Note what the server says of a frame, or that time has passed without a score."""
        time_s = assessment.capture_time_s
        if time_s is None:
            return
        self._first_s = time_s if self._first_s is None else self._first_s
        at_s = time_s - self._first_s
        self.points.append(Point(at_s, assessment.quality, assessment.raw_quality, assessment.state))
        picture = self._waiting.pop(time_s, None)
        if picture is not None and assessment.raw_quality is not None:
            self._consider(at_s, assessment.raw_quality, picture, assessment)

    def _consider(self, at_s: float, raw_quality: float, picture: Picture, assessment: Assessment) -> None:
        """Keep the picture if it is among the worst: in place of one nearby, or of the best of them."""
        rivals = [moment for moment in self.moments if math.fabs(moment.time_s - at_s) < APART_S]
        if not rivals and len(self.moments) >= MOST_MOMENTS:
            rivals = [max(self.moments, key=lambda moment: moment.raw_quality)]
        if any(rival.raw_quality <= raw_quality for rival in rivals):
            return
        face = assessment.faces[0].box if assessment.faces else None
        small = thumbnail(picture, face)
        if small is None:
            return
        kept = [moment for moment in self.moments if moment not in rivals]
        self.moments = sorted([*kept, Moment(at_s, raw_quality, small)], key=lambda moment: moment.time_s)
