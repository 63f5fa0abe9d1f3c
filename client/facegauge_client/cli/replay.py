"""`facegauge replay`: play files to a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from facegauge_client.cli.options import DISPLAY_LINES, ServerOptions, server_options
from facegauge_client.cli.output import json_lines, new_file, open_console
from facegauge_client.cli.replay_view import ReplayView, watching
from facegauge_client.playback.replay import LONGEST_PAUSE_S, Playback, ReplayOptions, name_streams
from facegauge_client.playback.replay import replay as play_all
from facegauge_client.report import Played, Recorder, Session, write_page

__all__ = ["replay"]

MIN_FPS = 0.1


class _Rate(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A positive number, or a word that stands for no limit."""

    def __init__(self, name: str, unlimited: str, lowest: float) -> None:
        self.name = name
        self._unlimited = unlimited
        self._lowest = lowest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if value == self._unlimited:
            return self._unlimited
        try:
            rate = float(value)
        except ValueError:
            rate = 0.0
        if not self._lowest <= rate <= 1000:
            why = f"{value!r} is neither a number from {self._lowest:g} to 1000 nor {self._unlimited}"
            self.fail(why, param, ctx)
        return rate


@click.command(
    epilog=f"""\b
Examples:
  facegauge replay call.mp4
  facegauge replay *.mp4 --speed max --json assessments.jsonl
  facegauge replay frames/ --fps 25     a folder of pictures, taken 25 times a second
  facegauge replay call.mkv --fps all --json - | jq .quality
  facegauge replay *.mp4 --speed max --report call.html

Files play at the same time, each as the stream of its name. Every JSON line is an Assessment under the
interface's field names. A gap of more than {LONGEST_PAUSE_S:g} s in a recording is cut to that. The exit code
is 1 if any file failed.""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@server_options
@click.option(
    "--fps",
    type=_Rate("N|all", "all", MIN_FPS),
    help="Frames a second taken from a video (default 5); for a folder, how fast it was taken (default 25).",
)
@click.option(
    "--speed", type=_Rate("N|max", "max", 0.01), default="1", show_default=True, help="Times real time."
)
@click.option(
    "--json",
    "json_path",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    help="Write every assessment to a file; - is standard output.",
)
@click.option(
    "--report",
    "report_path",
    metavar="OUT.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page with charts and pictures of the worst moments.",
)
@click.option("--call-id", default="", help="The call that the streams belong to, a label of the metrics.")
@click.option(
    "--prefix", default="", help="Put before the streams' ids, to play the same files twice at once."
)
@click.option(
    "--display-lines",
    type=DISPLAY_LINES,
    default=720,
    show_default=True,
    help="Lines of the viewers' display.",
)
@click.option(
    "--parallel", type=click.IntRange(min=1), default=32, show_default=True, help="Files at once, at most."
)
def replay(
    server: ServerOptions,
    files: tuple[Path, ...],
    fps: float | str | None,
    speed: float | str,
    json_path: Path | None,
    report_path: Path | None,
    call_id: str,
    prefix: str,
    display_lines: int,
    parallel: int,
) -> None:
    """Play videos, or folders of pictures, to a server and watch their quality.

    Takes anything that FFmpeg opens, at the times that the file tells, in real time unless --speed says
    otherwise. Nothing is dropped: the server sets the pace where it is slower.
    """
    playbacks = name_streams(files, prefix)
    options = ReplayOptions(
        fps=_playing_fps(fps, files),
        speed=None if speed == "max" else float(speed),
        call_id=call_id,
        display_lines=display_lines,
        parallel=parallel,
    )
    with json_lines(json_path) as write, _reporting(report_path, server, options, playbacks):
        progress = open_console(stderr=True)
        view = ReplayView(playbacks)
        asyncio.run(_play(server, playbacks, options, write, view, progress))
    to_stdout = json_path is not None and str(json_path) == "-"
    view.print_results(open_console(stderr=to_stdout), progress)
    failed = sum(playback.error is not None for playback in playbacks)
    if failed:
        raise click.ClickException(f"{failed} of {len(playbacks)} did not play to the end, see above")


@contextmanager
def _reporting(
    path: Path | None, server: ServerOptions, options: ReplayOptions, playbacks: list[Playback]
) -> Iterator[None]:
    """Record what the block plays and write the page as it ends, however it ends."""
    if path is None:
        yield
        return
    if any(_is_same_file(path, playback.path) for playback in playbacks):
        raise click.UsageError(
            f"{path} is to be played, and the report would replace it; choose another --report"
        )
    recorders = [Recorder() for _ in playbacks]
    for playback, recorder in zip(playbacks, recorders, strict=True):
        playback.observer = recorder
    began, began_s = time.strftime("%Y-%m-%d %H:%M:%S"), time.monotonic()
    with new_file(path, "--report") as write:
        try:
            yield
        finally:
            if any(playback.started for playback in playbacks):
                took_s = time.monotonic() - began_s
                session = Session(server.target, began, took_s, options.call_id, _pace(options))
                write(write_page(session, list(map(Played, playbacks, recorders))))


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _pace(options: ReplayOptions) -> str:
    speed = "as fast as the server took them"
    if options.speed is not None:
        speed = "in real time" if options.speed == 1 else f"at {options.speed:g} times real time"
    taken = "every frame" if options.fps is None else f"{options.fps:g} frames a second"
    return f"{taken}, {speed}"


async def _play(
    server: ServerOptions,
    playbacks: list[Playback],
    options: ReplayOptions,
    write: Callable[[Any], None],
    view: ReplayView,
    console: Console,
) -> None:
    async with server.client() as client, watching(view, console):
        await play_all(client, playbacks, options, write)


def _playing_fps(fps: float | str | None, files: tuple[Path, ...]) -> float | None:
    if fps == "all":
        return None
    if fps is None:
        return None if all(file.is_dir() for file in files) else 5.0
    return float(fps)
