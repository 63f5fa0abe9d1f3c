"""Bands of quality, and which one a stream is in: with hysteresis, so that nothing flickers at a border."""

from __future__ import annotations

from facegauge_server.kinds import QualityBand

__all__ = ["BANDS", "RISE", "BandTracker", "band_of"]

BANDS = {QualityBand.GOOD: 0.8, QualityBand.FAIR: 0.6, QualityBand.MEDIOCRE: 0.4, QualityBand.POOR: 0.0}
"""Where each band begins, the best first; the same as in the dashboards, the alerts and the client."""
RISE = 0.05
"""How far beyond the beginning of a better band the quality must be to enter it from below."""


def band_of(quality: float) -> QualityBand:
    """Return the band of a quality, 0-1, without regard to what was before."""
    return next(band for band, begins in BANDS.items() if quality >= begins or band is QualityBand.POOR)


class BandTracker:
    """Follows one quality: down at once, up only by a margin."""

    def __init__(self) -> None:
        self.band: QualityBand | None = None
        """None while there is no quality."""

    def follow(self, quality: float | None) -> bool:
        """Take note of the quality, 0-1, or that there is none; return whether the band has changed."""
        before = self.band
        if quality is None:
            self.band = None
        elif before is None or quality < BANDS[before]:
            self.band = band_of(quality)
        else:
            self.band = max(before, band_of(max(0.0, quality - RISE)), key=BANDS.__getitem__)
        return self.band is not before
