"""Fewer points for a chart, without losing what anyone could see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facegauge_client.report.track import HOLDS_S, Track

__all__ = ["COLUMNS", "MOST_A_COLUMN", "runs", "segments", "thin"]

COLUMNS = 500
"""Columns of a chart. Each keeps its first and last point, its extremes, and that it has a gap."""
MOST_A_COLUMN = 7

Indices = npt.NDArray[np.int64]


def thin(track: Track, columns: int = COLUMNS) -> Indices:
    """Return the indices of the points to draw: MOST_A_COLUMN a column at most, all of a short track."""
    if len(track) <= MOST_A_COLUMN * columns:
        return np.arange(len(track))
    span_s = max(track.length_s, 1e-9)
    kept: set[int] = set()
    for start, stop in runs(np.minimum(track.times_s / span_s * columns, columns - 1).astype(np.int64)):
        kept |= {start, stop - 1}
        for values in (track.qualities[start:stop], track.raw_qualities[start:stop]):
            known = np.flatnonzero(~np.isnan(values))
            if len(known):
                kept |= {
                    start + int(known[values[known].argmin()]),
                    start + int(known[values[known].argmax()]),
                }
        missing = np.flatnonzero(np.isnan(track.qualities[start:stop]))
        if len(missing):
            kept.add(start + int(missing[0]))
    return np.array(sorted(kept))


def segments(track: Track) -> Indices:
    """Number the stretches that a line may connect, shape (frames,); -1 where there is no quality.

    A line breaks where there is none, and where no frame came for longer than one speaks for its stream.
    """
    missing = np.isnan(track.qualities)
    late = np.diff(track.times_s, prepend=track.times_s[:1]) > HOLDS_S
    return np.where(missing, -1, np.cumsum(missing | late))


def runs(values: Indices) -> list[tuple[int, int]]:
    """Return (start, stop) of each stretch of equal values."""
    if not len(values):
        return []
    starts = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist()]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))
