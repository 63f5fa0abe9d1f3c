"""The table of `facegauge top`: columns by width, and the cells of a stream."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from facegauge_client.cli.top_table import stream_table
from facegauge_client.sdk.types import Cause, CauseKind, StreamState, StreamStatus

STREAM = StreamStatus("camera-1", "standup", StreamState.SCORED, 0.5, 2, 3725.0, 0.1, 4.96, frames_dropped=3)


def rows(
    width: int,
    *streams: StreamStatus,
    history: tuple[float | None, ...] | None = None,
    with_causes: bool = False,
) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=width)
    histories = None if history is None else {stream.stream_id: history for stream in streams}
    console.print(stream_table(streams, width, histories, with_causes=with_causes))
    return console.export_text().splitlines()


def test_without_histories_there_is_no_such_column() -> None:
    """A list that is printed once has no past."""
    assert "history" not in rows(200, STREAM)[0]
    assert "history" in rows(200, STREAM, history=(0.1, 0.9))[0]


def test_the_cells_of_a_stream() -> None:
    """Its call, quality, bar, state, faces, rate, drops and age in hours."""
    assert rows(200, STREAM)[1].split() == [
        *("camera-1", "standup", "0.50", "█████·····", "scored", "2", "5.0", "3", "1:02:05")
    ]


def test_what_does_not_exist_is_a_dash() -> None:
    """No quality and no drops."""
    line = rows(100, StreamStatus("a", state=StreamState.STALE))[1].split()
    assert line == ["a", "-", "stale", "0", "0.0", "-", "0:00"]


@pytest.mark.parametrize(("age_s", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3599.9, "1:00:00")])
def test_an_age_is_rounded_to_seconds(age_s: float, text: str) -> None:
    """Sixty seconds are a minute, whichever way they are rounded."""
    assert rows(100, StreamStatus("a", age_s=age_s))[1].split()[-1] == text


def test_a_grey_table_has_no_colours() -> None:
    """As long as the server is away, nothing shown counts as current."""
    console = Console(
        file=io.StringIO(), record=True, width=100, force_terminal=True, color_system="standard"
    )
    console.print(stream_table([STREAM], 100, {"camera-1": (0.1,)}, is_grey=True))
    assert "\x1b[3" not in console.export_text(styles=True)


BLURRED = StreamStatus("b", quality=0.3, main_cause=Cause(CauseKind.COMPRESSION, 0.31, threshold=0.1))
FROZEN = StreamStatus("f", quality=0.9, main_cause=Cause(CauseKind.FREEZE, value=2.4, threshold=0.5))


@pytest.mark.parametrize("width", [52, 60, 72, 80, 92, 100, 110, 136, 160, 170, 200])
def test_the_main_cause_has_a_column_with_its_figure(width: int) -> None:
    """In a narrow terminal instead of other columns, in a wide one with the limit; empty where none is."""
    head, first, second, third = rows(width, BLURRED, FROZEN, STREAM, history=(0.1, 0.9), with_causes=True)
    assert "cause" in head
    assert "compression -0.31" in first
    assert ("freeze 2.4 s (limit 0.5 s)" if width >= 170 else "freeze 2.4 s ") in second
    assert "-0." not in third
    assert third.startswith("camera-1 "), "the names stay readable"
    assert max(map(len, (head, first, second, third))) <= width


def test_without_causes_there_is_no_column() -> None:
    """A server that names none says nothing of them, whatever room there is."""
    assert "cause" not in rows(200, STREAM)[0]
    assert rows(51, BLURRED, history=(0.1,), with_causes=True)[0].split() == [
        "stream",
        "history",
        "quality",
        "state",
    ]
