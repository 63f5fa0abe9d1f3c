"""`facegauge top`: the live streams of a server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator

import click
from rich.console import Console
from rich.live import Live

from facegauge_client.cli.options import ServerOptions, server_options
from facegauge_client.cli.output import open_console
from facegauge_client.cli.top_view import TopView, print_list
from facegauge_client.sdk.backoff import backoff_delays_s
from facegauge_client.sdk.errors import FacegaugeError, RequestRejected

__all__ = ["top"]

CHECKS_PER_S = 10
"""How often the terminal's size and the clock are checked; only changes are drawn."""


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
    help="Seconds between updates.",
)
def top(server: ServerOptions, call_id: str, interval_s: float) -> None:
    """Watch the live streams of a server, the worst quality first."""
    console = open_console()
    is_live = console.is_terminal and not console.is_dumb_terminal and sys.stdout.isatty()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_Top(server, call_id, interval_s, console).run(is_live=is_live))


class _Top:
    """One run of the command."""

    def __init__(self, server: ServerOptions, call_id: str, interval_s: float, console: Console) -> None:
        self._server = server
        self._call_id = call_id
        self._interval_s = interval_s
        self._console = console
        self._view = TopView(server.target, interval_s)

    async def run(self, *, is_live: bool) -> None:
        """Print the list once, or show it until q is pressed; a server that is not there is an error."""
        limit = self._view.rows(self._console.height) if is_live else 0
        async with self._server.client() as client:
            first = await client.list_streams(self._call_id, limit=limit)
        if not is_live:
            print_list(first, self._console)
            return
        self._view.take(first, time.monotonic())
        quit_asked = asyncio.Event()
        with (
            _keys(quit_asked),
            Live(self._view, console=self._console, screen=True, auto_refresh=False) as live,
        ):
            await self._show(live, quit_asked)

    async def _show(self, live: Live, quit_asked: asyncio.Event) -> None:
        """Draw changes, and request as many streams as fit on the terminal."""
        view, drawn, limit = self._view, None, 0
        follow: asyncio.Task[None] | None = None
        try:
            while not quit_asked.is_set():
                if view.rows(self._console.height) != limit:
                    await _stop(follow)
                    limit = view.rows(self._console.height)
                    follow = asyncio.create_task(self._follow(limit))
                if follow is not None and follow.done():
                    follow.result()
                view.now_s = time.monotonic()
                size = self._console.size
                if (look := (view.changes, size, view.status(size.width).plain)) != drawn:
                    live.refresh()
                    drawn = look
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(quit_asked.wait(), 1 / CHECKS_PER_S)
        finally:
            await _stop(follow)

    async def _follow(self, limit: int) -> None:
        """Keep the view current without end, over as many connections as it takes."""
        delays_s = backoff_delays_s()
        while True:
            try:
                async with self._server.client() as client:
                    lists = client.watch_streams(self._call_id, limit=limit, interval_s=self._interval_s)
                    async with contextlib.aclosing(lists):
                        async for streams in lists:
                            self._view.take(streams, time.monotonic())
                            delays_s = backoff_delays_s()
            except RequestRejected:
                raise  # another attempt would be rejected too
            except FacegaugeError:
                pass  # the server is away, or soon will be
            delay_s = next(delays_s)
            self._view.lose(retry_s=time.monotonic() + delay_s)
            await asyncio.sleep(delay_s)


async def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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

    def on_keys() -> None:
        pressed = os.read(descriptor, 1024)
        if not pressed or b"q" in pressed.lower():
            quit_asked.set()

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, on_keys)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
