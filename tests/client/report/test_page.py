"""The page says what happened, loads nothing, and believes no file name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from facegauge_client.bands import Band, band_of
from facegauge_client.replay import Playback
from facegauge_client.report import Point, Recorder, Session, write_page
from facegauge_client.report.chart import clock, quality_chart, thin
from facegauge_client.types import StreamState, Summary

SESSION = Session("127.0.0.1:50051", "2026-11-23 12:00:00", 61.0, "standup")


def point(time_s: float, quality: float | None, state: StreamState = StreamState.SCORED) -> Point:
    return Point(time_s, quality, quality, state)


def played(name: str, qualities: list[float | None], error: str | None = None) -> tuple[Playback, Recorder]:
    playback, recorder = Playback(Path(name), name), Recorder()
    recorder.points = [point(index / 5, quality) for index, quality in enumerate(qualities)]
    known = [quality for quality in qualities if quality is not None]
    playback.summary = Summary(name, sum(known) / len(known), min(known)) if known else None
    playback.error = error
    return playback, recorder


def test_the_worst_stream_comes_first_and_has_a_chart() -> None:
    """Every stream has its row, its section and its line; a row links to its section."""
    page = write_page(SESSION, [played("good.mp4", [0.9] * 20), played("bad.mp4", [0.3] * 20)])
    assert page.index("bad.mp4") < page.index("good.mp4")
    assert page.count("<svg") == page.count('class="quality"') == 2
    assert 'href="#stream-0"' in page
    assert 'id="stream-0"' in page
    assert "standup" in page


def test_a_hostile_name_is_text() -> None:
    """A file may be called anything, and so may the error that names it."""
    name = '<script>alert("1")</script>&.mp4'
    page = write_page(SESSION, [played(name, [0.5] * 5, error=f"{name}: broken"), played("b", [0.4])])
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page


def test_nothing_is_loaded() -> None:
    """No address, no script, and a policy that forbids both."""
    page = write_page(SESSION, [played("a.mp4", [0.5, None, 0.7])])
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:image/jpeg;base64,|#)""", page)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_a_file_that_failed_is_told() -> None:
    """It comes last, with its reason, and the others are not the less."""
    page = write_page(SESSION, [played("broken.mp4", [], error="not a video"), played("a.mp4", [0.5] * 9)])
    assert page.index("a.mp4") < page.index("broken.mp4")
    assert "not a video" in page


def test_the_line_breaks_where_there_is_no_quality() -> None:
    """A stale stream is a gap, not a bridge."""
    chart = quality_chart([point(0, 0.5), point(1, 0.6), point(2, None), point(3, 0.4)], "a")
    assert chart.count("<polyline") == 2


def test_states_are_told_with_their_times() -> None:
    """Each stretch of one state is one bar."""
    states = [StreamState.SCORED] * 3 + [StreamState.NO_FACE] * 2 + [StreamState.SCORED] * 3
    chart = quality_chart([point(index, 0.5, state) for index, state in enumerate(states)], "a")
    assert chart.count('class="state ') == 3
    assert "no face, 0:03 to 0:05" in chart


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points(count: int) -> None:
    """A stream of no frame, one or two can be drawn."""
    assert quality_chart([point(index, 0.5) for index in range(count)], "a").endswith("</svg>")


def test_long_streams_are_thinned_and_keep_their_dips() -> None:
    """An hour fits the screen's columns; one bad frame in it is still there."""
    points = [point(index / 25, 0.9 if index != 47_123 else 0.11) for index in range(90_000)]
    kept = thin(points)
    assert len(kept) <= 1602
    assert points[47_123] in kept
    assert kept[-1] is points[-1]
    assert [p.time_s for p in kept] == sorted(p.time_s for p in kept)


def test_clock() -> None:
    """Minutes and seconds, hours where there are any."""
    assert [clock(s) for s in (0, 9.6, 61, 3600, 7325)] == ["0:00", "0:10", "1:01", "1:00:00", "2:02:05"]


@pytest.mark.parametrize(
    ("quality", "band"),
    [
        (1.0, Band.GOOD),
        (0.8, Band.GOOD),
        (0.79, Band.FAIR),
        (0.4, Band.MEDIOCRE),
        (0.39, Band.POOR),
        (0, Band.POOR),
    ],
)
def test_bands(quality: float, band: Band) -> None:
    """They begin where the dashboards' do, and 0.40 is where the alert begins."""
    assert band_of(quality) is band
