"""`facegauge demo`: a server, a call, and the score as it falls and recovers."""

from __future__ import annotations

import asyncio
import io
import re
import signal
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.terminal_theme import MONOKAI
from rich.text import Text

from facegauge_client.cli.demo_view import DemoView
from facegauge_client.cli.output import open_console
from facegauge_client.cli.paint import cause_text, number
from facegauge_client.demo.call import ACTS, FPS, duration_s, play_call
from facegauge_client.demo.page import demo_page, open_browser
from facegauge_client.demo.server import DemoServer, demo_server, read_stream_quality
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.stream import MonitorStream

__all__ = ["demo"]

STREAM_ID, CALL_ID = "demo", "demo-call"
SENT_EVERY = 2
"""Interval between sent frames, in frames of the call (10 per second)."""
REFRESH_S = 0.125
SCRAPE_S = 0.5
SVG_WIDTH = 100
_WEB_FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
"""Fonts that the picture would load from the web; the viewer's own fixed-width font serves."""


@click.command(
    epilog="""\b
Examples:
  facegauge demo
  facegauge demo --keep                 repeats until Ctrl-C, with metrics to look at
  facegauge demo --page                 the same, and on a page in the browser

Takes about half a minute; needs no file, no network and no server.""",
)
@click.option("--keep", is_flag=True, help="Play the call again and again until Ctrl-C.")
@click.option("--page", is_flag=True, help="Open the gateway's page on the call; plays until Ctrl-C.")
@click.option("--svg", "svg_path", type=click.Path(path_type=Path, dir_okay=False), hidden=True)
def demo(keep: bool, page: bool, svg_path: Path | None) -> None:
    """Watch a call's picture quality fall and recover, in the terminal and as a Prometheus series.

    Starts a server, turns a portrait into a call, encodes it with H.264 at a bitrate that collapses and
    recovers, and shows the score of the face and what is wrong with it.
    """
    console = open_console()
    view = DemoView(duration_s())
    console.print(Text("Starting a server", style="dim"))
    try:
        server = asyncio.run(_run(view, console, keep=keep or page, with_page=page))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C, SIGTERM
        console.print(
            f"The demo was stopped; so {'were its server and its page' if page else 'was its server'}."
        )
        return
    if svg_path is not None:
        _save_svg(view, svg_path)
    _print_ending(view, server, console)


async def _run(view: DemoView, console: Console, *, keep: bool, with_page: bool) -> DemoServer:
    _end_on_sigterm()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(demo_server())
        programs = [server.program]
        if with_page:
            page = await stack.enter_async_context(demo_page(server.target))
            programs.append(page.program)
            said = "opening in the browser" if open_browser(page.url) else "open it in a browser"
            console.print(Text.assemble("The page: ", (page.url, "bold"), f"  ({said})"), soft_wrap=True)
        console.print(
            Text(
                f"A call: H.264 at a bitrate that collapses and comes back, scored by {server.model}", "bold"
            )
        )
        view.metrics_url = server.metrics_url
        view.hint = "Ctrl-C ends it" if keep else ""
        client = await stack.enter_async_context(Client(server.target))
        stream = await stack.enter_async_context(client.monitor(STREAM_ID, CALL_ID))
        side_tasks = [
            asyncio.create_task(_read(stream, view)),
            asyncio.create_task(_scrape(server, view)),
            asyncio.create_task(_draw(view, console)),
        ]
        try:
            await _first(_play(stream, view, keep=keep), *(one.ended() for one in programs))
        finally:
            for task in side_tasks:
                task.cancel()
            await asyncio.gather(*side_tasks, return_exceptions=True)
    return server


def _end_on_sigterm() -> None:
    """Let SIGTERM end the demo as Ctrl-C does, with what it has started."""
    current = asyncio.current_task()
    if current is not None:
        with suppress(NotImplementedError):  # Windows has none
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)


async def _first(*waits: Coroutine[Any, Any, None]) -> None:
    """Wait for the first to end, raising what it raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in reversed(tasks):  # why a program ended says more than what that did to the call
            if task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _play(stream: MonitorStream, view: DemoView, *, keep: bool) -> None:
    """Send the call in real time, once or without end."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    bits: deque[int] = deque(maxlen=FPS)
    number_ = 0
    while True:
        frames = play_call()
        while (frame := await asyncio.to_thread(next, frames, None)) is not None:
            time_s = number_ / FPS
            await asyncio.sleep(began_s + time_s - loop.time())
            bits.append(frame.encoded_bits)
            view.width, view.height = frame.frame.width, frame.frame.height
            view.note_bitrate(time_s, sum(bits) / 1000)
            if number_ % SENT_EVERY == 0:
                stream.send_nowait(frame.frame, capture_time_s=time_s)
            number_ += 1
        if not keep:
            return


async def _read(stream: MonitorStream, view: DemoView) -> None:
    async for assessment in stream:
        view.note(assessment)


async def _scrape(server: DemoServer, view: DemoView) -> None:
    while True:
        view.series_value = await asyncio.to_thread(read_stream_quality, server.metrics_url, STREAM_ID)
        await asyncio.sleep(SCRAPE_S)


async def _draw(view: DemoView, console: Console) -> None:
    if not console.is_terminal:
        while True:
            await asyncio.sleep(1)
            console.print(view.line(), soft_wrap=True)
    with Live(view, console=console, auto_refresh=False) as live:
        while True:
            live.refresh()
            await asyncio.sleep(REFRESH_S)


def _print_ending(view: DemoView, server: DemoServer, console: Console) -> None:
    bad_start_s = ACTS[0].seconds + ACTS[1].seconds
    bad_end_s = bad_start_s + ACTS[2].seconds
    console.print()
    text = Text("Quality ")
    text.append_text(number(view.quality_between(2, ACTS[0].seconds)))
    text.append(f" at {ACTS[0].kbit_per_s} kbit/s, ")
    text.append_text(number(view.quality_between(bad_end_s - 2, bad_end_s)))
    text.append(f" at {ACTS[2].kbit_per_s} kbit/s, ")
    text.append_text(number(view.quality_between(view.duration_s - 2, view.duration_s + 1)))
    text.append(" once the bitrate is back.")
    console.print(text)
    wrong = view.causes_at(bad_end_s - 0.5)
    if wrong:
        text = Text(f"What was wrong at {ACTS[2].kbit_per_s} kbit/s: ")
        console.print(text.append_text(Text(", ").join(map(cause_text, wrong))).append("."))
    console.print(f"The server at {server.target} has stopped, its metrics with it. Where to look next:")
    for command, what in (
        ("facegauge demo --keep", "the same until Ctrl-C; open the metrics URL meanwhile"),
        ("facegauge-server", "a server: gRPC on 127.0.0.1:50051, http://127.0.0.1:9464/metrics"),
        ("facegauge replay call.mp4", "your own recordings"),
        ("README.md", "the SDK, the metrics, what the number means"),
    ):
        console.print(f"  [bold]{command:<27}[/bold]{what}")


def _save_svg(view: DemoView, path: Path) -> None:
    canvas = Console(record=True, width=SVG_WIDTH, file=io.StringIO(), force_terminal=True)
    canvas.print(view)
    svg = canvas.export_svg(title="facegauge demo", theme=MONOKAI)
    path.write_text(_WEB_FONTS.sub("", svg), encoding="utf-8")
