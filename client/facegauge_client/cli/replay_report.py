"""The report of a replay, written when the replay ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from facegauge_client.cli.output import new_file
from facegauge_client.playback.playback import ReplayOptions
from facegauge_client.report import Played, Session, write_page

__all__ = ["reporting"]


@contextmanager
def reporting(
    path: Path | None, target: str, options: ReplayOptions, played: Sequence[Played]
) -> Iterator[None]:
    """Write the page of what the block has played, also where the block fails; nothing for no path."""
    if path is None:
        yield
        return
    if any(_is_same_file(path, item.playback.path) for item in played):
        raise click.UsageError(
            f"{path} is to be played, and the report would replace it; choose another --report"
        )
    began, began_s = time.strftime("%Y-%m-%d %H:%M:%S"), time.monotonic()
    with new_file(path, "--report") as write:
        try:
            yield
        finally:
            if any(item.playback.started for item in played):
                took_s = time.monotonic() - began_s
                write(write_page(Session(target, began, took_s, options.call_id, _pace(options)), played))


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _pace(options: ReplayOptions) -> str:
    speed = "as fast as the server took them"
    if options.speed is not None:
        speed = "in real time" if options.speed == 1 else f"at {options.speed:g} times real time"
    frames = "every frame" if options.fps is None else f"{options.fps:g} frames per second"
    return f"{frames}, {speed}"
