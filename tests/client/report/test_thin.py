"""Thinning and cutting tracks for a chart."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_client.report.thin import COLUMNS, MOST_A_COLUMN, runs, segments, thin
from facegauge_client.report.track import Track

from .conftest import track_of


def test_long_tracks_are_thinned_and_keep_their_extremes() -> None:
    """An hour fits the screen's columns; one bad frame in it, one good and one gap are still there."""
    qualities: list[float | None] = [0.6 + 0.01 * (index % 3) for index in range(90_000)]
    qualities[47_123], qualities[61_111], qualities[70_007] = 0.11, 0.97, None
    kept = thin(track_of(qualities, fps=25))
    assert len(kept) <= COLUMNS * MOST_A_COLUMN + 2
    assert {0, 47_123, 61_111, 70_007, 89_999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_a_dip_of_the_smoothed_line_alone_is_kept() -> None:
    """The line and the dots are thinned each for itself, and together."""
    track = track_of([0.5] * 20_000)
    track.qualities[777] = 0.3
    track.raw_qualities[779] = 0.1
    assert {777, 779} <= set(thin(track).tolist())


@pytest.mark.parametrize("qualities", [[], [0.5], [None], [None, None], [0.5, None, 0.6]])
def test_short_tracks_stay_as_they_are(qualities: list[float | None]) -> None:
    """What fits is not touched."""
    track = track_of(qualities)
    assert thin(track).tolist() == list(range(len(qualities)))


def lengths(track: Track) -> list[int]:
    numbers = segments(track)
    return [stop - start for start, stop in runs(numbers) if numbers[start] >= 0]


def test_a_line_breaks_where_there_is_no_quality_and_where_no_frame_came() -> None:
    """A stale stream is a gap, and so is a recording that stood still; neither is a bridge."""
    assert lengths(track_of([0.5, 0.6, None, None, 0.4, 0.4, 0.4])) == [2, 3]
    track = track_of([0.5] * 6)
    track.times_s[3:] += 20
    assert lengths(track) == [3, 3]
    assert lengths(track_of([None, None])) == []
