"""The table that `facegauge replay` ends with: a line a stream, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from facegauge_client.cli.paint import number, state_times
from facegauge_client.playback.playback import Playback
from facegauge_client.sdk.types import FrameResult

__all__ = ["WIDE", "results"]

WIDE, NARROW = 100, 80
MOST_CAUSES = 3
"""Causes of a stream: what was the main one for longest."""
CAUSES_WIDTH = 38
"""Of their column, where nothing folds."""


def results(playbacks: Sequence[Playback], width: int) -> Group:
    """Build the table for a console of that width, in characters.

    What was wrong has a column, and lines below the table where a column would be too narrow.
    """
    title = _title_of_causes(playbacks)
    if not title or width >= WIDE:
        return Group(_table(playbacks, width, title))
    wrong = [playback for playback in playbacks if playback.causes.totals]
    lines = [
        Text(f"{playback.stream_id}: ").append_text(_what_was_wrong(playback, ", ")) for playback in wrong
    ]
    return Group(_table(playbacks, width, ""), Text(f"{title}:"), *(lines or [Text("-", style="dim")]))


def _table(playbacks: Sequence[Playback], width: int, title: str) -> Table:
    """Build the table, with a column of causes where it has a title."""
    wide, narrow = width >= WIDE + (CAUSES_WIDTH if title else 0), width < NARROW
    table = Table(box=None, header_style="bold", pad_edge=False, expand=False)
    table.add_column("stream", overflow="fold", ratio=1)
    counts = ("scored",) if narrow else ("scored", "no face", "small", "failed")
    for name in ("mean", "p10", "min", *counts):
        table.add_column(name, justify="right", no_wrap=True)
    if title:
        table.add_column(title, overflow="fold")
    if wide:
        table.add_column("time in each state", overflow="fold")
    for playback in playbacks:
        causes = [_what_was_wrong(playback)] if title else []
        table.add_row(*_result_row(playback, causes, narrow=narrow, wide=wide))
    return table


def _title_of_causes(playbacks: Sequence[Playback]) -> str:
    """Return the title of the column of causes; empty where nobody tells any."""
    if any(playback.causes.names_costs for playback in playbacks):
        return "what was wrong"
    return "faults of the stream" if any(playback.causes.totals for playback in playbacks) else ""


def _what_was_wrong(playback: Playback, between: str = "\n") -> Text:
    """Return each cause with its mean cost, or worst value, and for how long it was named."""
    totals = playback.causes.totals
    if not totals:
        return Text("-", style="dim")
    lines = [Text(total.words(), style="dark_orange") for total in totals[:MOST_CAUSES]]
    if len(totals) > MOST_CAUSES:
        lines.append(Text(f"and {len(totals) - MOST_CAUSES} more", style="dim"))
    return Text(between).join(lines)


def _result_row(playback: Playback, causes: list[Text], *, narrow: bool, wide: bool) -> list[Text]:
    summary = playback.summary
    results = playback.results
    sent = sum(results.values())
    scored = f"{results[FrameResult.SCORED]}/{sent}"
    row = [
        Text(playback.stream_id, style="red" if playback.error else ""),
        number(summary.mean_quality if summary else None),
        number(summary.p10_quality if summary else None),
        number(playback.min_quality),
        Text(scored),
    ]
    if not narrow:
        row += [
            Text(str(results[FrameResult.NO_FACE] or "-"), style="dim"),
            Text(str(results[FrameResult.TOO_SMALL] or "-"), style="dim"),
            Text(str(results[FrameResult.ERROR] or "-"), style="dim"),
        ]
    row += causes
    if wide:
        row.append(state_times(summary) if summary else Text("failed", style="red"))
    return row
