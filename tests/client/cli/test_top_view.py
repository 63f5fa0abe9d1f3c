"""What `facegauge top` draws, at every width and in every state of the connection."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from facegauge_client.cli.top_view import HISTORY_SAMPLES, TopView, print_list
from facegauge_client.sdk.types import (
    Cause,
    CauseKind,
    ServerInfo,
    StreamList,
    StreamState,
    StreamStatus,
)

TARGET = "media-3.example.org:50051"
STREAMS = (
    StreamStatus(
        "camera-1", "standup", StreamState.LOW_RESOLUTION, 0.31, 1, 65.0, 0.1, 5.0, frames_dropped=7
    ),
    StreamStatus("camera-2" * 12, "standup" * 9, StreamState.SCORED, 0.62, 2, 4000.0, 0.1, 4.96),
    StreamStatus("摄像头" * 9, "站会", StreamState.FACE_TOO_SMALL, 0.93, 1, 3.0, 0.1, 2.0),
    StreamStatus("evil\x1b[2J\nname", "", StreamState.STALE, None, 0, 9.0, 4.0, 0.0),
)


def view_of(*lists: StreamList, every_s: float = 1.0) -> TopView:
    view = TopView(TARGET, interval_s=1.0)
    for number, streams in enumerate(lists):
        view.take(streams, number * every_s)
        view.now_s = number * every_s
    return view


def drawn(view: TopView, width: int = 100, height: int = 30, *, styles: bool = False) -> list[str]:
    """The lines that a terminal of this size shows."""
    console = Console(
        record=True,
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard",
    )
    console.print(view)
    return console.export_text(styles=styles).splitlines()


@pytest.mark.parametrize("width", [1, 8, 20, 30, 36, 40, 51, 52, 60, 68, 80, 99, 100, 120, 140, 200, 400])
def test_no_width_makes_a_line_wrap(width: int) -> None:
    """Two lines of header, the names of the columns, a line a stream, none longer than the terminal."""
    view = view_of(StreamList(STREAMS, 4))
    lines = drawn(view, width)
    assert len(lines) == 3 + len(STREAMS)
    assert max(map(cell_len, lines)) <= width
    view.lose(retry_s=3.0)
    lines = drawn(view, width)
    assert len(lines) == 3 + len(STREAMS)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (20, "stream quality"),
        (30, "stream quality state"),
        (40, "stream history quality state"),
        (60, "stream history quality state fps drops"),
        (80, "stream history quality state faces fps drops age"),
        (140, "stream call history quality state faces fps drops age"),
        (200, "stream call history quality state faces fps drops age"),
    ],
)
def test_columns_go_in_steps_as_the_terminal_narrows(width: int, columns: str) -> None:
    """The stream, its quality and its state stay to the last."""
    assert drawn(view_of(StreamList(STREAMS, 4)), width)[2].split() == columns.split()


def test_the_column_of_causes_comes_once_and_stays() -> None:
    """With the first one that is named; then nothing moves as causes come and go, or the server is away."""
    named = StreamStatus("camera-1", quality=0.3, main_cause=Cause(CauseKind.BLUR, 0.31, threshold=0.1))
    view = view_of(StreamList(STREAMS, 4))
    heads = [drawn(view, 80)[2]]
    for streams in (StreamList((named,), 1), StreamList(STREAMS, 4)):
        view.take(streams, 9.0)
        heads.append(drawn(view, 80)[2])
    view.lose(retry_s=9.0)
    assert drawn(view, 80)[2] == heads[1] == heads[2]
    assert heads[0].split() == ["stream", "history", "quality", "state", "faces", "fps", "drops", "age"]
    assert heads[1].split() == ["stream", "history", "quality", "state", "cause", "fps"]
    console = Console(file=io.StringIO(), record=True, width=100)
    print_list(StreamList((named,), 1), console)
    assert "blur -0.31" in console.export_text()


@pytest.mark.parametrize("width", [40, 52, 80, 100, 120, 200])
def test_streams_can_be_told_apart_where_the_terminal_is_narrow(width: int) -> None:
    """Short names are whole from 40 columns on; a state is never cut off."""
    lines = drawn(view_of(StreamList(STREAMS, 4)), width)
    assert lines[3].startswith("camera-1 ")
    assert "low res" in lines[3]
    assert "too small" in lines[5]


def test_a_name_cannot_steer_the_terminal() -> None:
    """Control characters in a stream's name are shown as such, not obeyed."""
    assert drawn(view_of(StreamList(STREAMS, 4)))[6].startswith("evil�[2J�name ")


def test_a_stream_is_told_in_numbers() -> None:
    """Quality, state, faces, frames a second, drops and age stand in its line."""
    line = drawn(view_of(StreamList(STREAMS, 4)), 200)[3]
    assert line.split()[:2] == ["camera-1", "standup"]
    assert line.split()[3:] == ["0.31", "███▏······", "low", "resolution", "1", "5.0", "7", "1:05"]


def test_the_history_has_a_step_a_sample_and_gaps() -> None:
    """Rising quality rises; without a score, out of the list and without the server there is a gap."""

    def listed(quality: float | None) -> StreamList:
        return StreamList((StreamStatus("a", state=StreamState.SCORED, quality=quality),), 1)

    view = view_of(listed(0.0), listed(0.5), listed(None), listed(1.0), StreamList((), 0), listed(0.99))
    assert "▁▅ █ █ " in drawn(view, 120)[3]
    view.take(listed(0.2), 8.0)  # two seconds without a list between
    assert "▁▅ █ █  ▂ " in drawn(view, 120)[3]
    view.take(listed(0.2), 8.1)  # asked again at once, as after a resize: no step
    assert "█  ▂ " in drawn(view, 120)[3]


def test_the_history_is_coloured_by_band() -> None:
    """Red, yellow and green, as the quality's number is."""
    qualities = (0.2, 0.6, 0.9)
    lists = [StreamList((StreamStatus("a", quality=quality),), 1) for quality in qualities]
    line = drawn(view_of(*lists), styles=True)[3]
    assert "\x1b[31m▂\x1b[0m\x1b[33m▅\x1b[0m\x1b[32m█\x1b[0m" in line


def test_the_history_ends_and_is_forgotten() -> None:
    """A stream's history is so long and no longer; who left long ago begins anew."""
    view = view_of(*[StreamList(STREAMS[:1], 1)] * 100)
    assert drawn(view, 200)[3].count("▃") == HISTORY_SAMPLES
    for second in range(100, 100 + HISTORY_SAMPLES):
        view.take(StreamList((), 0), float(second))
    assert not view._histories


@pytest.mark.parametrize(
    ("qualities", "total", "says"),
    [
        ((0.1, 0.3, 0.4, None), 4, "4 live, 2 poor"),
        ((0.1, 0.3), 9, "9 live, 2 or more poor, the worst 2 shown"),
        ((0.1, 0.9), 9, "9 live, 1 poor, the worst 2 shown"),
        ((0.8,), 1, "1 live, 0 poor"),
    ],
)
def test_the_totals_say_how_many_are_poor(qualities: tuple[float | None, ...], total: int, says: str) -> None:
    """The list is cut off behind the worst: the number is exact where one that is listed is not poor."""
    streams = tuple(StreamStatus(f"{number}", quality=quality) for number, quality in enumerate(qualities))
    assert drawn(view_of(StreamList(streams, total)))[1] == says


def test_what_does_not_fit_the_height_is_left_out() -> None:
    """On a low terminal the worst are seen; a list that is too long, as after a resize, is cut."""
    view = view_of(StreamList(STREAMS, 4))
    assert [line.split()[0] for line in drawn(view, height=4)[2:]] == ["stream", "camera-1"]
    assert [TopView.rows(height) for height in (1, 4, 30)] == [1, 1, 27]


def test_an_empty_list_says_what_to_do() -> None:
    """The way to see a stream stands where the streams would."""
    view = view_of(StreamList((), 0))
    assert drawn(view)[1:] == ["0 live, 0 poor", "no live streams; play one with: facegauge replay FILE"]
    assert all(cell_len(line) <= 40 for line in drawn(view, 40))


def test_a_server_that_went_away_leaves_the_last_view_in_grey() -> None:
    """The first line counts down to the next attempt; nothing else has a colour until the server is back."""
    view = view_of(StreamList(STREAMS, 4))
    assert drawn(view)[0] == f"● connected to {TARGET}  q quits"
    assert drawn(view, 30)[0] == f"● {TARGET}"
    view.lose(retry_s=2.5)
    assert drawn(view)[0] == f"server at {TARGET} went down, trying again in 3 s"
    assert drawn(view, 40)[0] == "server down, trying again in 3 s"
    assert drawn(view)[3].startswith("camera-1 ")
    assert not any("\x1b[3" in line for line in drawn(view, styles=True)[1:])
    view.now_s = 2.6
    assert drawn(view)[0] == f"server at {TARGET} went down, trying again now"
    view.take(StreamList(STREAMS, 4), 3.0)
    assert drawn(view)[0] == f"● connected to {TARGET}  q quits"


def test_the_replica_is_named_where_there_is_room() -> None:
    """Behind a proxy the target does not say which server the streams are on; a name cannot steer it."""
    view = view_of(StreamList(STREAMS, 4, ServerInfo("1.0", "media-3\x1b[2J/1")))
    assert drawn(view)[0] == f"● connected to {TARGET}, replica media-3\ufffd[2J/1  q quits"
    assert drawn(view, 60)[0] == f"● connected to {TARGET}  q quits"
    assert drawn(view_of(StreamList(STREAMS, 4, ServerInfo())))[0] == f"● connected to {TARGET}  q quits"


def test_a_server_that_stops_telling_is_called_silent() -> None:
    """A connection that stands and carries nothing does not look like a quiet call."""
    view = view_of(StreamList(STREAMS, 4))
    view.now_s = 6.0
    assert drawn(view)[0] == f"server at {TARGET} silent for 6 s"


def test_without_a_terminal_the_list_is_plain_text() -> None:
    """No styles and no history; long names are whole where the width allows it."""
    out = io.StringIO()
    print_list(StreamList(STREAMS[:1], 1), Console(file=out, width=140))
    title, names, line = out.getvalue().splitlines()
    assert title == "1 live, 1 poor"
    assert names.split() == ["stream", "call", "quality", "state", "faces", "fps", "drops", "age"]
    assert line.split()[:3] == ["camera-1", "standup", "0.31"]
    out = io.StringIO()
    print_list(StreamList((), 0), Console(file=out, width=140))
    assert out.getvalue().splitlines()[1] == "no live streams; play one with: facegauge replay FILE"
