"""`facegauge assess`: score single pictures."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path

import click
from rich.progress import track
from rich.table import Table
from rich.text import Text

from facegauge_client.cli.options import DISPLAY_LINES, ServerOptions, server_options
from facegauge_client.cli.output import json_lines, open_console
from facegauge_client.cli.paint import cause_text, number, state_text
from facegauge_client.playback.video import read_picture
from facegauge_client.sdk.errors import Forbidden, RequestRejected, Unauthenticated, VideoError
from facegauge_client.sdk.types import Assessment, Cause, Face

__all__ = ["assess"]

UNFOLDED = 1000
"""Characters of a line that goes to a file or a pipe: nothing is folded there."""


@click.command(
    epilog="""\b
Examples:
  facegauge assess portrait.jpg
  facegauge assess photos/*.png --json - | jq '.faces[].quality'
  facegauge assess big.tiff --display-lines 1080

Takes JPEG, PNG, WebP, BMP and TIFF. In JSON, stream_id is the picture's path.""",
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path))
@server_options
@click.option(
    "--json",
    "json_path",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    help="File for the assessments, one a line; - is standard output.",
)
@click.option(
    "--display-lines",
    type=DISPLAY_LINES,
    default=720,
    show_default=True,
    help="Height of the viewers' display in lines.",
)
def assess(
    server: ServerOptions, images: tuple[Path, ...], json_path: Path | None, display_lines: int
) -> None:
    """Score the faces of single pictures, and say what is wrong with each."""
    to_stdout = json_path is not None and str(json_path) == "-"
    errors = open_console(stderr=True)
    with json_lines(json_path) as write:
        results, failures = asyncio.run(_assess_all(server, images, display_lines, write))
    if not to_stdout and results:
        console = open_console()
        if not console.is_terminal:
            console.width = UNFOLDED
        console.print(_table(results))
    for failure in failures:
        errors.print(Text(failure, style="red"))
    if failures:
        raise click.ClickException(
            f"{len(failures)} of {len(images)} pictures could not be scored, see above"
        )


async def _assess_all(
    server: ServerOptions, images: tuple[Path, ...], display_lines: int, write: Callable[[Assessment], None]
) -> tuple[list[Assessment], list[str]]:
    results: list[Assessment] = []
    failures: list[str] = []
    console = open_console(stderr=True)
    async with server.client() as client:
        for path in track(
            images, "scoring", console=console, transient=True, disable=not console.is_terminal
        ):
            try:
                assessment = await client.assess_image(read_picture(path), display_lines=display_lines)
            except (Unauthenticated, Forbidden):
                raise  # the other pictures would be refused, too
            except VideoError as error:
                failures.append(str(error))
            except (RequestRejected, ValueError) as error:
                failures.append(f"{path}: {error}")
            else:
                results.append(dataclasses.replace(assessment, stream_id=str(path)))
                write(results[-1])
    return results, failures


def _table(results: list[Assessment]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("picture", overflow="fold")
    table.add_column("quality", justify="right")
    table.add_column("state", no_wrap=True)
    table.add_column("short side", justify="right", no_wrap=True)
    with_causes = any(_tells_causes(assessment) for assessment in results)
    if with_causes:
        table.add_column("what is wrong", overflow="fold", min_width=24)
    for assessment in results:
        for rank, face in enumerate(assessment.faces or (None,)):
            name = Text(assessment.stream_id if rank == 0 else "", style="")
            wrong = [_what_is_wrong(assessment, face, is_first=rank == 0)] if with_causes else []
            table.add_row(name, *_figures(assessment, face), *wrong)
    return table


def _figures(assessment: Assessment, face: Face | None) -> list[Text]:
    if face is None:
        return [number(None), state_text(assessment.result), Text()]
    return [number(face.quality), state_text(face.state), Text(f"{face.short_side_px:.0f} px")]


def _tells_causes(assessment: Assessment) -> bool:
    return bool(_faults(assessment)) or any(face.causes for face in assessment.faces)


def _faults(assessment: Assessment) -> list[Cause]:
    """Return what is wrong with the picture as a whole, where the server says so of a single one."""
    return [cause for cause in assessment.causes if cause.value is not None]


def _what_is_wrong(assessment: Assessment, face: Face | None, *, is_first: bool) -> Text:
    """Return what is named of a face, after what is wrong with the whole picture; a dash for nothing.

    Blank for a face that no causes are told of, as one that was not scored: it is not known to be well.
    """
    causes = () if face is None else face.causes
    named = [*(_faults(assessment) if is_first else ()), *(() if face is None else face.named_causes)]
    if not named:
        return Text("-" if causes else "", style="dim")
    return Text(", ").join(map(cause_text, named))
