"""The table of `facegauge top`: a line a stream, with the columns that the terminal has room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from facegauge_client.cause_words import SHORT_CHARS
from facegauge_client.cli.paint import bar, cause_text, number, short_state_text, sparkline, state_text
from facegauge_client.sdk.types import Cause, StreamStatus

__all__ = ["printable", "stream_table"]

Histories = Mapping[str, Sequence[float | None]]
"""The latest qualities of streams by stream id, the newest last."""

WIDEST_ID = 40

_COLUMNS = {
    "call": (16, 136),
    "history": (8, 36),
    "quality": (7, 0),
    "": (10, 160),
    "state": (9, 30),
    "cause": (SHORT_CHARS, 52),
    "faces": (5, 68),
    "fps": (5, 52),
    "drops": (6, 60),
    "age": (8, 80),
}
"""Each column's width, and how wide the terminal must be to show it; what is left is the stream's."""
_BESIDE_CAUSES = {"history": 72, "fps": 80, "drops": 92, "faces": 100, "age": 110}
"""How wide it must be for these where causes are named, which matter more."""
_WIDER = {
    "history": ((80, 10), (130, 20), (150, 30)),
    "state": ((100, 14),),
    "cause": ((170, 26), (200, 38)),
}
"""Columns that grow: from which width of the terminal, and to what."""


def stream_table(
    streams: Iterable[StreamStatus],
    width: int,
    histories: Histories | None = None,
    *,
    with_causes: bool = False,
    is_grey: bool = False,
) -> Table:
    """Build the table with the columns that fit, each line cut off rather than wrapped.

    `with_causes` asks for the column of main causes, which nobody needs where no server names any.
    """
    with_causes = with_causes and width >= _COLUMNS["cause"][1]
    widths = {
        name: _width(name, width) for name in _COLUMNS if width >= _least(name, with_causes=with_causes)
    }
    if histories is None:
        widths.pop("history", None)
    if not with_causes:
        widths.pop("cause", None)
    gap = 1 if width < 52 else 2
    left = width - sum(widths.values()) - gap * len(widths)
    table = Table(
        box=None,
        header_style="dim" if is_grey else "bold",
        padding=(0, gap, 0, 0),
        pad_edge=False,
        style="dim" if is_grey else "",
    )
    # Where nothing moves the column is as wide as its names; else it stays, whoever comes and goes.
    fixed = None if histories is None else max(min(left, WIDEST_ID), 1)
    table.add_column("stream", width=fixed, max_width=max(left, 1), no_wrap=True, overflow="ellipsis")
    for name, columns in widths.items():
        is_right = name in ("quality", "faces", "fps", "drops", "age")
        table.add_column(
            name, width=columns, no_wrap=True, overflow="ellipsis", justify="right" if is_right else "left"
        )
    for status in streams:
        cells = _cells(status, widths, histories or {})
        table.add_row(*(Text(cell.plain, style="dim") if is_grey else cell for cell in cells))
    return table


def _least(name: str, *, with_causes: bool) -> int:
    least = _COLUMNS[name][1]
    return _BESIDE_CAUSES.get(name, least) if with_causes else least


def _width(name: str, width: int) -> int:
    grown = [columns for least, columns in _WIDER.get(name, ()) if width >= least]
    return grown[-1] if grown else _COLUMNS[name][0]


def _cells(status: StreamStatus, widths: dict[str, int], histories: Histories) -> list[Text]:
    state = short_state_text if widths.get("state", 0) < _WIDER["state"][0][1] else state_text
    cells = {
        "call": Text(printable(status.call_id)),
        "history": sparkline(tuple(histories.get(status.stream_id, ())), widths.get("history", 0)),
        "quality": number(status.quality),
        "": bar(status.quality, 10),
        "state": state(status.state),
        "cause": _cause(status.main_cause, widths.get("cause", 0)),
        "faces": Text(f"{status.faces}"),
        "fps": Text(f"{status.fps:.1f}"),
        "drops": Text(f"{status.frames_dropped or '-'}"),
        "age": Text(_duration(status.age_s)),
    }
    return [Text(printable(status.stream_id)), *(cells[name] for name in widths)]


def _cause(cause: Cause | None, width: int) -> Text:
    """Return a cause with what it is held against where there is room for that."""
    text = cause_text(cause)
    return text if len(text) <= width else cause_text(cause, short=True)


def printable(label: str) -> str:
    """Return a name without what would steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in label)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
