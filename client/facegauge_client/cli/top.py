"""`facegauge top`: the live streams of a server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from facegauge_client.cli.options import ServerOptions, server_options
from facegauge_client.cli.output import open_console
from facegauge_client.cli.paint import bar, number, state_text
from facegauge_client.errors import ServerUnavailable
from facegauge_client.types import StreamList, StreamStatus

__all__ = ["top"]

NARROW = 80


@click.command(
    epilog="""\b
Examples:
  facegauge top
  facegauge top --call-id standup --server media-3:50051 --tls
  facegauge top | head                  without a terminal: the list once

q or Ctrl-C ends it.""",
)
@server_options
@click.option("--call-id", default="", help="Only the streams of this call.")
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(0.1, 60),
    default=1.0,
    show_default=True,
    help="Seconds.",
)
def top(server: ServerOptions, call_id: str, interval_s: float) -> None:
    """Watch the live streams of a server, the worst quality first."""
    console = open_console()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_top(server, call_id, interval_s, console))


async def _top(server: ServerOptions, call_id: str, interval_s: float, console: Console) -> None:
    async with server.client() as client:
        if not console.is_terminal:
            console.print(_table(await client.list_streams(call_id), console.width))
            return
        limit = max(console.height - 4, 1)
        quit_asked = asyncio.Event()
        with _keys(quit_asked), Live(console=console, screen=True, auto_refresh=False) as live:
            watch = asyncio.create_task(_watch(live, console, server, call_id, limit, interval_s))
            quit_task = asyncio.create_task(quit_asked.wait())
            await asyncio.wait([watch, quit_task], return_when=asyncio.FIRST_COMPLETED)
            for task in (watch, quit_task):
                task.cancel()
            outcomes = await asyncio.gather(watch, quit_task, return_exceptions=True)
    failure = outcomes[0]
    if isinstance(failure, BaseException) and not isinstance(failure, asyncio.CancelledError):
        raise failure


async def _watch(
    live: Live, console: Console, server: ServerOptions, call_id: str, limit: int, interval_s: float
) -> None:
    async with server.client() as client:
        async for streams in client.watch_streams(call_id, limit=limit, interval_s=interval_s):
            live.update(_table(streams, console.width), refresh=True)
    raise ServerUnavailable(f"the server at {server.target} went down")


@contextlib.contextmanager
def _keys(quit_asked: asyncio.Event) -> Iterator[None]:
    """Set the event when q is pressed; the terminal is as before at the end."""
    if not sys.stdin.isatty() or sys.platform == "win32":  # there, Ctrl-C ends it
        yield
        return
    import termios
    import tty

    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def on_key() -> None:
        if sys.stdin.read(1) in ("q", "Q", ""):
            quit_asked.set()

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, on_key)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _table(streams: StreamList, width: int) -> Table:
    listed = len(streams.streams)
    title = f"{streams.total} live" + (f", the worst {listed}" if listed < streams.total else "")
    table = Table(
        box=None, header_style="bold", pad_edge=False, expand=True, title=title, title_justify="left"
    )
    table.add_column("stream", ratio=1, no_wrap=True, overflow="ellipsis")
    wide = width >= NARROW
    names = (
        ("call", "quality", "", "state", "faces", "fps", "age", "dropped")
        if wide
        else ("quality", "state", "fps")
    )
    for name in names:
        table.add_column(name, no_wrap=True, justify="left" if name in ("call", "state", "") else "right")
    for status in streams.streams:
        table.add_row(*_row(status, wide=wide))
    return table


def _row(status: StreamStatus, *, wide: bool) -> list[Text | str]:
    stream, quality, state = Text(status.stream_id), number(status.quality), state_text(status.state)
    fps = f"{status.fps:.1f}"
    if not wide:
        return [stream, quality, state, fps]
    return [
        stream,
        Text(status.call_id),
        quality,
        bar(status.quality, 10),
        state,
        str(status.faces),
        fps,
        _duration(status.age_s),
        str(status.frames_dropped or "-"),
    ]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
