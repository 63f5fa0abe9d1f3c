"""Charts and strips as SVG that a parser reads."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from facegauge_client.report.chart import quality_chart
from facegauge_client.report.strip import cause_strips, state_strip
from facegauge_client.report.templates import clock, share
from facegauge_client.sdk.types import Cause, CauseKind, StreamState

from .conftest import recorder_of, track_of


@pytest.mark.parametrize(
    "qualities",
    [[], [0.5], [None], [0.5, 0.5], [0.5, None, 0.6], [0.5] * 5000, [None] * 5000],
    ids=["none", "one", "one without", "two", "a gap", "many", "many without"],
)
def test_any_track_can_be_drawn(qualities: list[float | None]) -> None:
    """Well formed, with a title and a description, and finite numbers only."""
    chart = quality_chart(track_of(qualities), "<a> & b", "stream-0", [0.0])
    drawing = ET.fromstring(chart)  # noqa: S314 - our own
    titles = [item.text or "" for item in drawing.iter("title")]
    assert titles[0] == "Quality of <a> & b over time"
    assert drawing.find(".//desc") is not None
    assert "nan" not in chart
    assert "inf" not in chart


def test_the_line_breaks_where_there_is_no_quality() -> None:
    """A stale stream is a gap, not a bridge."""
    chart = quality_chart(track_of([0.5, 0.6, None, 0.4]), "a", "a")
    line = re.search(r'class="quality" d="([^"]+)"', chart)
    assert line is not None
    assert line[1].count("M") == 2


def test_thinning_is_no_gap() -> None:
    """A column of an hour is longer than any real gap."""
    chart = quality_chart(track_of([0.5] * 90_000, fps=25), "a", "a")
    line = re.search(r'class="quality" d="([^"]+)"', chart)
    assert line is not None
    assert line[1].count("M") == 1


def test_hovering_shows_the_qualities() -> None:
    """A range, for each of the columns."""
    chart = quality_chart(track_of([0.5, 0.75] * 300), "a", "a")
    assert "0:10 to 0:12: quality 0.50 to 0.75" in chart


def test_an_hour_at_full_rate_stays_small() -> None:
    """However many frames and states, a chart is what fits a screen."""
    qualities: list[float | None] = [0.5 + 0.4 * ((index * 7919) % 101) / 101 for index in range(90_000)]
    states = [StreamState.SCORED, StreamState.NO_FACE] * 45_000
    chart = quality_chart(track_of(qualities, fps=25, states=states), "a", "a")
    assert len(chart) < 200_000


def test_states_are_drawn_with_their_times() -> None:
    """Each stretch of one state is one bar, and the shares stand in words."""
    states = [StreamState.SCORED] * 3 + [StreamState.NO_FACE] * 2 + [StreamState.SCORED] * 3
    strip = state_strip(track_of([0.5] * 8, fps=1, states=states), 7.0)
    assert strip.count('class="state ') == 3
    assert "no face, 0:03 to 0:05" in strip
    assert "scored 75%, no face 25%" in strip


def test_a_crowded_strip_shows_the_worst_of_each_place() -> None:
    """One damaged frame in an hour is not lost between its neighbours."""
    states = [StreamState.SCORED, StreamState.LOW_RESOLUTION] * 10_000
    states[12_345] = StreamState.DECODE_ERROR
    strip = state_strip(track_of([0.5] * 20_000, states=states), 19_999 / 5)
    assert strip.count("decode error,") == 1
    assert strip.count("<rect") <= 501


BLUR, FREEZE = Cause(CauseKind.BLUR, 0.31, threshold=0.1), Cause(CauseKind.FREEZE, value=2.4, threshold=0.5)
FREE = Cause(CauseKind.BLUR, 0.01, threshold=0.1)


def test_each_cause_has_a_strip_with_its_figure_and_its_times() -> None:
    """In words too, for those who do not see it; high where it was the main cause, low beside another one."""
    causes = [(FREE,)] * 10 + [(BLUR,)] * 10 + [(FREEZE, BLUR)] * 10 + [(FREE,)] * 10
    lanes = recorder_of([0.5] * 40, causes=causes).causes.lanes
    drawing = ET.fromstring(f"<div>{cause_strips(lanes, 39 / 5)}</div>")  # noqa: S314 - our own
    items = drawing.findall(".//li")
    assert [item.text for item in items] == [
        "blur -0.31 for 4.0 s",
        "freeze 2.4 s (limit 0.5 s) for 2.0 s",
    ]
    blur, freeze = (item[0] for item in items)
    assert [bar.get("height") for bar in blur] == ["10", "5"]
    assert [bar.get("class") for bar in blur] == ["cause", "cause beside"]
    assert [bar.findtext("title") for bar in freeze] == ["0:04 to 0:06, freeze 2.4 s (limit 0.5 s) at worst"]
    assert blur.get("aria-label") == (
        "blur -0.31 for 4.0 s: 0:02 to 0:04, blur -0.31 at worst; 0:04 to 0:06, blur -0.31 at worst"
    )
    assert float(freeze[0].get("x", "")) == pytest.approx(5.8 / 7.8 * 1000 - 256.4, abs=1)


def test_without_causes_there_is_no_strip() -> None:
    """Neither for a student that tells none, nor for a good picture."""
    assert cause_strips([], 10.0).strip() == ""
    assert recorder_of([0.9] * 9, causes=[(FREE,)] * 9).causes.lanes == []


def test_an_hour_of_flicker_stays_small() -> None:
    """What nobody could tell apart is one bar; the words name a few times and count the others."""
    causes = [(FREEZE, BLUR) if number % 20 < 10 else (BLUR,) for number in range(18_000)]
    strips = cause_strips(recorder_of([0.5] * 18_000, causes=causes).causes.lanes, 3600.0)
    assert len(strips) < 20_000
    assert strips.count("<rect") < 10
    assert "times more" in strips


def test_clock() -> None:
    """Minutes and seconds, hours where there are any."""
    assert [clock(s) for s in (0, 9.6, 61, 3600, 7325)] == ["0:00", "0:10", "1:01", "1:00:00", "2:02:05"]


def test_a_share_is_rounded_to_nothing_only_where_it_is_nothing() -> None:
    """The same at the other end."""
    shares = [share(part) for part in (0, 0.001, 0.5, 0.999, 1)]
    assert shares == ["0%", "<1%", "50%", ">99%", "100%"]
