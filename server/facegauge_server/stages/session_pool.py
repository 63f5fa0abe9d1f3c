"""The qualities of a whole stream, for its summary."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from facegauge_server.snapshots import PoolSnapshot

__all__ = ["SessionPool"]


class SessionPool:
    """Mean and percentiles of a stream's quality in constant memory: counts in bins of a thousandth."""

    BINS = 1000
    MAX_CARRIED = 64
    """Bins of a snapshot."""

    def __init__(self) -> None:
        self._counts = np.zeros(self.BINS + 1, dtype=np.int64)
        self._sum = 0.0

    def add(self, quality: float) -> None:
        """Count one quality, 0-1."""
        self._counts[round(quality * self.BINS)] += 1
        self._sum += quality

    @property
    def mean(self) -> float | None:
        """Mean of all qualities; None before the first."""
        count = int(self._counts.sum())
        return self._sum / count if count else None

    def percentile(self, percent: float) -> float | None:
        """Return the quality that `percent` % do not exceed, to a thousandth; None before the first."""
        count = int(self._counts.sum())
        if not count:
            return None
        rank = max(1, math.ceil(count * percent / 100))
        return int(np.searchsorted(np.cumsum(self._counts), rank)) / self.BINS

    def snapshot(self) -> PoolSnapshot:
        """Return sum and counts, in `MAX_CARRIED` bins at most.

        Bins are as wide as that takes, so that the mean is exact, and so are percentiles until a stream has
        had more qualities than that; then they are right to half a bin: 0.008 in the worst case.
        """
        width = 1
        bins = _merged(self._counts, width)
        while len(bins) > self.MAX_CARRIED:
            width *= 2
            bins = _merged(self._counts, width)
        return PoolSnapshot(self._sum, bins)

    def restore(self, snapshot: PoolSnapshot) -> None:
        """Go on from a snapshot."""
        self._sum = snapshot.total
        for thousandths, count in snapshot.bins:
            self._counts[thousandths] += count


def _merged(counts: npt.NDArray[np.int64], width: int) -> tuple[tuple[int, int], ...]:
    """Return the counts of bins of a width, each at its middle, those without any left out."""
    edges = np.arange(0, len(counts), width)
    sums = np.add.reduceat(counts, edges)
    middles = np.minimum(edges + width // 2, len(counts) - 1)
    kept = sums.nonzero()[0]
    return tuple(zip(middles[kept].tolist(), sums[kept].tolist(), strict=True))
