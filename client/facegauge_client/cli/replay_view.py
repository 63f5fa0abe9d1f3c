"""Display of `facegauge replay`: a progress bar and a line per stream while it plays, a table at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from facegauge_client.cause_words import SHORT_CHARS
from facegauge_client.cli.paint import bar, cause_text, number, sparkline, state_text
from facegauge_client.cli.replay_table import WIDE, results
from facegauge_client.playback.playback import Playback

__all__ = ["ReplayView", "watching"]

REFRESHES_PER_S = 8
CAUSE_COLUMN = 4
"""Of a live line in a wide terminal, after the stream: as wide whatever is named."""


class ReplayView:
    """Renderable state of all playbacks."""

    def __init__(self, playbacks: Sequence[Playback]) -> None:
        self._playbacks = playbacks
        self._started_s = time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max((options.height or console.height) - 4, 1)
        playing = [playback for playback in self._playbacks if playback.started and not playback.ended]
        table = Table.grid(padding=(0, 1), expand=True)
        wide = options.max_width >= WIDE
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for column in range(6 if wide else 4):
            is_cause = wide and column == CAUSE_COLUMN
            table.add_column(no_wrap=True, width=SHORT_CHARS if is_cause else None, overflow="ellipsis")
        for playback in playing[:room]:
            table.add_row(*_live_line(playback, wide=wide))
        if len(playing) > room:
            table.add_row(Text(f"… and {len(playing) - room} more", style="dim"))
        yield Group(self._progress(options.max_width), table)

    def _progress(self, width: int) -> Table:
        known = [playback.fraction or 0.0 for playback in self._playbacks]
        done = sum(known) / len(known)
        ended = sum(playback.ended for playback in self._playbacks)
        frames = sum(playback.frames_sent for playback in self._playbacks)
        elapsed_s = time.monotonic() - self._started_s
        line = Table.grid(padding=(0, 1))
        bar_width = max(width - 52, 10)
        line.add_row(
            ProgressBar(total=1.0, completed=done, width=bar_width),
            f"{done:4.0%}",
            f"{ended}/{len(self._playbacks)} files",
            f"{frames} frames",
            Text(f"{elapsed_s:.0f} s", style="dim"),
        )
        return line

    def print_news(self, console: Console, printed: set[str]) -> None:
        """Print a plain line for each file that has begun or ended since the last time."""
        for playback in self._playbacks:
            if playback.started and f"began {id(playback)}" not in printed:
                printed.add(f"began {id(playback)}")
                console.print(f"{playback.stream_id}: playing", highlight=False, soft_wrap=True)
            if playback.ended and f"ended {id(playback)}" not in printed:
                printed.add(f"ended {id(playback)}")
                outcome = "failed" if playback.error else f"{playback.frames_sent} frames"
                console.print(f"{playback.stream_id}: {outcome}", highlight=False, soft_wrap=True)

    def print_results(self, console: Console, errors: Console) -> None:
        """Print the final table, and to `errors` what went wrong."""
        console.print(results(self._playbacks, console.width))
        for playback in self._playbacks:
            if playback.broken:
                text = f"{playback.path}: {playback.broken} broken packets or pictures left out"
                errors.print(Text(text, "yellow"), soft_wrap=True)
            if playback.reconnects:
                errors.print(Text(_reconnections(playback), "yellow"), soft_wrap=True)
        for error, failed in _by_error(self._playbacks).items():
            where = str(failed[0].path) if len(failed) == 1 else f"{len(failed)} files"
            named = str(failed[0].path) in error
            errors.print(Text(error if named else f"{where}: {error}", "red"), soft_wrap=True)


def _reconnections(playback: Playback) -> str:
    times = "once" if playback.reconnects == 1 else f"{playback.reconnects} times"
    part = (
        "; mean, p10 and state times cover the part since the server's restart" if playback.restarts else ""
    )
    return f"{playback.path}: reconnected {times}{part}"


def _by_error(playbacks: Sequence[Playback]) -> dict[str, list[Playback]]:
    failed: dict[str, list[Playback]] = {}
    for playback in playbacks:
        if playback.error:
            failed.setdefault(playback.error, []).append(playback)
    return failed


def _live_line(playback: Playback, *, wide: bool) -> list[Text]:
    latest = playback.latest
    quality = latest.quality if latest else None
    return [
        Text(playback.stream_id),
        bar(quality, 12 if wide else 8),
        number(quality),
        *([sparkline(list(playback.qualities), 24)] if wide else []),
        state_text(latest.state) if latest else Text("waiting", style="dim"),
        *([cause_text(latest.main_cause if latest else None, short=True)] if wide else []),
        Text(f"{playback.fps:5.1f} fps", style="dim"),
    ]


@asynccontextmanager
async def watching(view: ReplayView, console: Console) -> AsyncIterator[None]:
    """Draw the view while the block runs; where there is no terminal, say when a file begins and ends."""
    task = asyncio.create_task(_draw(view, console) if console.is_terminal else _print(view, console))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _draw(view: ReplayView, console: Console) -> None:
    with Live(view, console=console, transient=True, auto_refresh=False) as live:
        while True:
            live.refresh()
            await asyncio.sleep(1 / REFRESHES_PER_S)


async def _print(view: ReplayView, console: Console) -> None:
    printed: set[str] = set()
    try:
        while True:
            view.print_news(console, printed)
            await asyncio.sleep(1 / REFRESHES_PER_S)
    finally:
        view.print_news(console, printed)
