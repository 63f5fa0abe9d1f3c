"""The scores of one stream, frame by frame, and their statistics."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facegauge_client.quality_bands import Band
from facegauge_client.sdk.types import Assessment, StreamState

__all__ = ["HOLDS_S", "STATES", "Figures", "Track", "TrackWriter", "figures"]

HOLDS_S = 3.0
"""Seconds for which a frame stands for its stream: the server's stale limit."""
STATES = (
    StreamState.SCORED,
    StreamState.LOW_RESOLUTION,
    StreamState.UNSPECIFIED,
    StreamState.WAITING,
    StreamState.FACE_TOO_SMALL,
    StreamState.NO_FACE,
    StreamState.STALE,
    StreamState.DECODE_ERROR,
)
"""The better first: where several share a place in a chart, the highest index is shown."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Track:
    """Arrays of shape (frames,), in the order of time."""

    times_s: Floats
    """Seconds since the stream's first frame."""
    qualities: Floats
    """Smoothed, 0-1; NaN where there is none."""
    raw_qualities: Floats
    """Quality in the frame alone, 0-1; NaN where it was not scored."""
    states: npt.NDArray[np.int64]
    """Indices into STATES."""
    faces: npt.NDArray[np.int64]
    """Number of faces found."""

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def length_s(self) -> float:
        """Seconds from the first frame to the last."""
        return float(self.times_s[-1]) if len(self) else 0.0

    @property
    def states_seen(self) -> list[StreamState]:
        """The states that occur, in the order of STATES."""
        return [STATES[index] for index in np.unique(self.states)]

    @property
    def seconds(self) -> Floats:
        """Seconds for which each frame stood for the stream: until the next one, HOLDS_S at most."""
        if len(self) < 2:
            return np.ones(len(self))
        gaps_s = np.diff(self.times_s)
        return np.minimum(np.append(gaps_s, np.median(gaps_s)), HOLDS_S)


class TrackWriter:
    """Collects assessments as they come. Memory: 34 bytes a frame."""

    def __init__(self) -> None:
        self._first_s: float | None = None
        self._times_s = array("d")
        self._qualities = array("d")
        self._raw_qualities = array("d")
        self._states = array("b")
        self._faces = array("B")

    def add(self, assessment: Assessment, capture_time_s: float) -> float:
        """Note what a frame showed; return its time since the stream's first frame, in seconds."""
        self._first_s = capture_time_s if self._first_s is None else self._first_s
        time_s = capture_time_s - self._first_s
        self._times_s.append(time_s)
        self._qualities.append(_or_nan(assessment.quality))
        self._raw_qualities.append(_or_nan(assessment.raw_quality))
        self._states.append(STATES.index(assessment.state))
        self._faces.append(min(len(assessment.faces), 255))
        return time_s

    def read(self) -> Track:
        """Return what has been noted so far."""
        return Track(
            np.array(self._times_s),
            np.array(self._qualities),
            np.array(self._raw_qualities),
            np.array(self._states, dtype=np.int64),
            np.array(self._faces, dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics of one stream or several: smoothed qualities of scored frames, 0-1; None without any."""

    mean: float | None
    p5: float | None
    """What 5 of 100 frames do not exceed."""
    worst: float | None
    bands: dict[Band, float]
    """Share of the time that had a quality, 0-1 each; empty where none had."""
    unscored: float
    """Share of the time without any current quality, 0-1."""
    length_s: float
    """Seconds from the first frame to the last, summed over the streams."""


def figures(tracks: Sequence[Track]) -> Figures:
    """Put the frames of all tracks together, each by its time."""
    qualities, scored, seconds = (
        np.concatenate([part(track) for track in tracks] or [np.empty(0)])
        for part in (
            lambda track: track.qualities,
            lambda track: np.where(np.isnan(track.raw_qualities), np.nan, track.qualities),
            lambda track: track.seconds,
        )
    )
    length_s = sum(track.length_s for track in tracks)
    known = ~np.isnan(qualities)
    total_s, known_s = float(seconds.sum()), float(seconds[known].sum())
    unscored = 1 - known_s / total_s if total_s else 0.0
    scored = scored[~np.isnan(scored)]
    if not len(scored):
        return Figures(None, None, None, {}, unscored, length_s)
    p5 = float(np.percentile(scored, 5, method="inverted_cdf"))
    return Figures(
        mean=float(scored.mean()),
        p5=p5,
        worst=float(scored.min()),
        bands=_shares(qualities[known], seconds[known]),
        unscored=unscored,
        length_s=length_s,
    )


def _shares(qualities: Floats, seconds: Floats) -> dict[Band, float]:
    starts = sorted(band.value for band in Band)
    places = np.searchsorted(starts, qualities, side="right") - 1
    sums_s = np.bincount(np.maximum(places, 0), weights=seconds, minlength=len(starts))
    return {band: float(sums_s[starts.index(band.value)] / seconds.sum()) for band in Band}


def _or_nan(quality: float | None) -> float:
    return np.nan if quality is None else quality
