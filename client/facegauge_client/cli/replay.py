"""`facegauge replay`: play files to a server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from facegauge_client.cli.options import (
    DISPLAY_LINES,
    ServerOptions,
    reconnect_timeout_option,
    server_options,
)
from facegauge_client.cli.output import json_lines, open_console
from facegauge_client.cli.replay_report import reporting
from facegauge_client.cli.replay_view import ReplayView, watching
from facegauge_client.playback.pacer import LONGEST_PAUSE_S
from facegauge_client.playback.playback import Playback, ReplayOptions
from facegauge_client.playback.replay import name_streams
from facegauge_client.playback.replay import replay as play_all
from facegauge_client.report import Played, Recorder

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
  facegauge replay frames/ --fps 25     a folder of pictures at 25 frames per second
  facegauge replay call.mkv --fps all --json - | jq .quality
  facegauge replay *.mp4 --speed max --report call.html

Files play at the same time, each as a stream named after its file. Every JSON line is an Assessment with
the interface's field names. A gap of more than {LONGEST_PAUSE_S:g} s in a recording is shortened to that.
The exit code is 1 if any file failed.""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@server_options
@click.option(
    "--fps",
    type=_Rate("N|all", "all", MIN_FPS),
    help="Frames per second to take from a video (default 5), or the frame rate of a folder (default 25).",
)
@click.option(
    "--speed",
    type=_Rate("N|max", "max", 0.01),
    default="1",
    show_default=True,
    help="Multiple of real time, or as fast as the server takes the frames.",
)
@click.option(
    "--json",
    "json_path",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    help="File for the assessments, one a line; - is standard output.",
)
@click.option(
    "--report",
    "report_path",
    metavar="OUT.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="HTML file for a report with charts and pictures of the worst moments.",
)
@click.option(
    "--coded",
    is_flag=True,
    help="Send a video's packets as they are (H.264, VP8, VP9, AV1) and have the server decode them.",
)
@click.option("--call-id", default="", help="Call that the streams belong to, a label of the metrics.")
@click.option(
    "--prefix", default="", help="Prefix of the stream ids, so that the same files can play twice at once."
)
@reconnect_timeout_option("Seconds for which a broken connection is retried, unless --speed is max.")
@click.option(
    "--display-lines",
    type=DISPLAY_LINES,
    default=720,
    show_default=True,
    help="Height of the viewers' display in lines.",
)
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Maximum number of files at a time.",
)
def replay(
    server: ServerOptions,
    files: tuple[Path, ...],
    fps: float | str | None,
    speed: float | str,
    json_path: Path | None,
    report_path: Path | None,
    coded: bool,
    call_id: str,
    prefix: str,
    display_lines: int,
    reconnect_timeout_s: float,
    parallel: int,
) -> None:
    """Play videos, or folders of pictures, to a server and watch their quality.

    Takes anything that FFmpeg opens, at the file's own timestamps, in real time unless --speed says
    otherwise. No frame is dropped: a server that is slower sets the pace. When a connection breaks, the
    replay resumes, and a restarted server gets the frames without an answer again; with --speed max that is
    an error, since scores after a restart begin with new smoothing.
    """
    if coded and report_path:
        raise click.UsageError(
            "--report shows pictures, which --coded does not decode here: leave one of them out"
        )
    stream_ids = name_streams(files, prefix)
    recorders = [Recorder() for _ in files] if report_path else []
    playbacks = [Playback(*parts) for parts in itertools.zip_longest(files, stream_ids, recorders)]
    played = list(map(Played, playbacks, recorders))
    options = ReplayOptions(
        fps=_playing_fps(fps, files),
        speed=None if speed == "max" else float(speed),
        coded=coded,
        call_id=call_id,
        display_lines=display_lines,
        parallel=parallel,
        reconnect_timeout_s=reconnect_timeout_s,
    )
    with json_lines(json_path) as write, reporting(report_path, server.target, options, played):
        progress = open_console(stderr=True)
        view = ReplayView(playbacks)
        asyncio.run(_play(server, playbacks, options, write, view, progress))
    to_stdout = json_path is not None and str(json_path) == "-"
    view.print_results(open_console(stderr=to_stdout), progress)
    failed = sum(playback.error is not None for playback in playbacks)
    if failed:
        raise click.ClickException(f"{failed} of {len(playbacks)} did not play to the end, see above")


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
