"""What a track comes to."""

from __future__ import annotations

import pytest

from facegauge_client import Assessment
from facegauge_client.quality_bands import Band, band_of
from facegauge_client.report.recorder import Recorder
from facegauge_client.report.track import figures
from facegauge_client.sdk.types import FrameResult, StreamState

from .conftest import track_of


def test_figures() -> None:
    """Mean, the lowest in twenty, the worst, and the shares of the time in each band."""
    found = figures([track_of([0.9] * 10 + [0.7] * 5 + [0.5] * 3 + [0.2, 0.1])])
    assert found.mean == pytest.approx((9 + 3.5 + 1.5 + 0.3) / 20)
    assert (found.p5, found.worst) == (0.1, 0.1)
    expected = {Band.GOOD: 0.5, Band.FAIR: 0.25, Band.MEDIOCRE: 0.15, Band.POOR: 0.1}
    assert found.bands == pytest.approx(expected)
    assert found.unscored == pytest.approx(0)
    assert found.length_s == pytest.approx(3.8)


def test_shares_are_of_the_time_not_of_the_frames() -> None:
    """A second with one frame counts as much as a second with ten; a long gap counts three seconds."""
    track = track_of([0.9, 0.9, 0.3, 0.3])
    track.times_s[:] = [0, 1, 2, 60]
    assert figures([track]).bands[Band.POOR] == pytest.approx((3 + 1) / 6)


def test_time_without_a_score_is_told_apart() -> None:
    """It is in no band."""
    found = figures([track_of([0.9, None, None, 0.3])])
    assert found.unscored == pytest.approx(0.5)
    assert found.bands[Band.POOR] == pytest.approx(0.5)


def test_a_held_quality_is_time_but_no_further_score() -> None:
    """The mean is of scored frames, as the server's own."""
    recorder = Recorder()
    for index, (quality, raw_quality) in enumerate([(0.8, 0.8), (0.8, None), (0.8, None), (0.2, 0.2)]):
        result = FrameResult.NO_FACE if raw_quality is None else FrameResult.SCORED
        recorder.answered(Assessment("a", index, index / 5, result, StreamState.SCORED, quality, raw_quality))
    found = figures([recorder.track])
    assert found.mean == pytest.approx(0.5)
    assert found.bands[Band.POOR] == pytest.approx(0.25)


@pytest.mark.parametrize("qualities", [[], [None], [None] * 9])
def test_nothing_scored_is_no_figure(qualities: list[float | None]) -> None:
    """A score that does not exist is absent, never 0."""
    found = figures([track_of(qualities)])
    assert (found.mean, found.p5, found.worst, found.bands) == (None, None, None, {})


def test_streams_are_put_together() -> None:
    """Each by its length."""
    found = figures([track_of([0.9] * 30), track_of([0.3] * 10), track_of([])])
    assert found.mean == pytest.approx(0.75)
    assert found.bands[Band.POOR] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("quality", "band"),
    [
        (1.0, Band.GOOD),
        (0.8, Band.GOOD),
        (0.79, Band.FAIR),
        (0.4, Band.MEDIOCRE),
        (0.39, Band.POOR),
        (0.0, Band.POOR),
    ],
)
def test_bands(quality: float, band: Band) -> None:
    """They begin where the dashboards' do, and 0.40 is where the alert begins."""
    assert band_of(quality) is band
    assert figures([track_of([quality] * 3)]).bands[band] == 1
