"""What `facegauge demo` draws of causes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from facegauge_client import Assessment, Cause, CauseKind
from facegauge_client.cli.demo_view import DemoView

FREE = Cause(CauseKind.RESOLUTION, 0.01, threshold=0.1)


def drawn(view: DemoView, width: int) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=width)
    console.print(view)
    return [line.rstrip() for line in console.export_text().splitlines()]


def view_of(*mains: Cause | None, tells: bool = True) -> DemoView:
    """A second each, at five frames a second."""
    view = DemoView(duration_s=10.0)
    for number in range(len(mains) * 5):
        main = mains[number // 5]
        causes = (main or FREE,) if tells else ()
        view.note(Assessment(quality=0.5, capture_time_s=number / 5, causes=causes, main_cause=main))
        view.note_bitrate(number / 5, 100.0)
    return view


def shrunk(cost: float) -> Cause:
    return Cause(CauseKind.RESOLUTION, cost, threshold=0.1)


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_the_strip_has_the_cause_with_its_worst_figure(width: int) -> None:
    """Below the bitrate, where it was named; and what is wrong now beside it."""
    lines = drawn(view_of(None, None, *map(shrunk, (0.2, 0.4, 0.5, 0.3, 0.2)), None), width)
    (strip,) = (line for line in lines if line.startswith("why  │"))
    assert "resolution -0.50" in strip
    assert strip.startswith("why  │   ")
    assert max(map(len, lines)) <= width
    assert "wrong    nothing named" in lines


def test_a_short_stretch_has_its_words_behind_it_where_that_is_free() -> None:
    """Else it is drawn alone; its figure stands in the line below while it lasts."""
    view = view_of(shrunk(0.2), None, None, None, shrunk(0.3))
    (strip,) = (line for line in drawn(view, 106) if line.startswith("why  │"))
    assert strip.startswith("why  │resolution -0.20   ")
    assert strip.endswith("resolution -0.30")
    assert "wrong    resolution -0.30" in drawn(view, 106)
    assert view.line().endswith("wrong: resolution -0.30")


def test_a_student_without_causes_has_neither_strip_nor_line() -> None:
    """It does not say that nothing is wrong."""
    view = view_of(None, None, tells=False)
    assert not any(line.startswith(("why", "wrong")) for line in drawn(view, 100))
    assert "wrong" not in view.line()
