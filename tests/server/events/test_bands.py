"""Bands: the same borders as everybody's, and no flicker at one."""

from __future__ import annotations

import pytest

from facegauge_client.quality_bands import Band
from facegauge_server.events.bands import BANDS, BandTracker
from facegauge_server.kinds import QualityBand


def follow(*qualities: float | None) -> list[QualityBand | None]:
    tracker = BandTracker()
    return [tracker.band for quality in qualities if tracker.follow(quality)]


def test_the_bands_are_the_clients() -> None:
    """The command line paints what the server tells, and the dashboards draw."""
    assert {band.name: begins for band, begins in BANDS.items()} == {band.name: band.value for band in Band}


@pytest.mark.parametrize(
    ("quality", "band"),
    [
        (1.0, QualityBand.GOOD),
        (0.8, QualityBand.GOOD),
        (0.79, QualityBand.FAIR),
        (0.4, QualityBand.MEDIOCRE),
        (0.39, QualityBand.POOR),
        (0.0, QualityBand.POOR),
    ],
)
def test_the_first_quality_says_the_band(quality: float, band: QualityBand) -> None:
    """A border belongs to the band that it begins."""
    assert follow(quality) == [band]


def test_a_quality_at_a_border_is_one_change() -> None:
    """It falls at once, and rises only once it is clearly beyond the border."""
    assert follow(0.41, *[0.39, 0.41, 0.44] * 50) == [QualityBand.MEDIOCRE, QualityBand.POOR]
    assert follow(0.39, 0.44, 0.46) == [QualityBand.POOR, QualityBand.MEDIOCRE]


def test_several_bands_are_crossed_at_once() -> None:
    """One change each way; upwards it goes as high as the margin lets."""
    assert follow(0.9, 0.1, 0.82, 0.9) == [
        QualityBand.GOOD,
        QualityBand.POOR,
        QualityBand.FAIR,
        QualityBand.GOOD,
    ]


def test_no_quality_is_no_band() -> None:
    """A stream that went stale leaves its band, and finds one without regard to what was before."""
    assert follow(0.39, None, None, 0.41) == [QualityBand.POOR, None, QualityBand.MEDIOCRE]
