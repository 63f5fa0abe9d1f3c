"""Bands of quality, the same as in the dashboards and alerts."""

from __future__ import annotations

import enum

__all__ = ["Band", "band_of"]


class Band(enum.Enum):
    """A range of quality; its value is where it begins."""

    GOOD = 0.8
    FAIR = 0.6
    MEDIOCRE = 0.4
    POOR = 0.0
    """A quality under 0.4 for half a minute pages an operator."""


def band_of(quality: float) -> Band:
    """Return the band of a quality, 0-1."""
    return next(band for band in Band if quality >= band.value or band is Band.POOR)
