"""Options that several subcommands share, with one meaning everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "FOLDER",
    "batch_option",
    "cache_option",
    "faces_option",
    "pseudo_round_option",
    "round_option",
    "run_option",
    "seed_option",
    "start_from_option",
    "teacher_option",
    "threads_option",
    "workers_option",
]

F = TypeVar("F", bound=Callable[..., Any])


class _Folder(click.Path):
    """A path whose `~` is the person's home."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, expanded."""
        return Path(str(super().convert(value, param, ctx))).expanduser()


FOLDER = _Folder(path_type=Path)

batch_option = click.option(
    "--batch",
    type=click.IntRange(min=4),
    default=32,
    show_default=True,
    help="Crops a step, a multiple of 4; 256 suits a GPU, at twice the rate.",
)
cache_option = click.option(
    "--cache",
    type=FOLDER,
    default="~/.cache/facegauge",
    show_default=True,
    help="Folder with labels, teacher outputs and runs.",
)
faces_option = click.option(
    "--faces",
    type=FOLDER,
    default="../shared/faces",
    show_default=True,
    help="Folder of photos with an index.csv.",
)
pseudo_round_option = click.option(
    "--pseudo-round", type=click.IntRange(min=1), help="Add the crops of this round of self-training."
)
round_option = click.option(
    "--round",
    "round_",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of the round: each draws its degradations anew.",
)
seed_option = click.option(
    "--seed", type=int, default=1, show_default=True, help="Decides all that is random."
)
start_from_option = click.option(
    "--start-from",
    metavar="RUN|FILE",
    help="Start from the weights of an earlier run: its name, or the path of its file.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), default=2, show_default=True, help="CPU threads."
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes."
)


def run_option(default: str | None = None, **more: Any) -> Callable[[F], F]:
    """Make `--run`: a name below CACHE/runs."""
    settings: dict[str, Any] = {"default": default, "show_default": default is not None}
    settings["help"] = "Name of the run: its folder below CACHE/runs."
    return click.option("--run", **(settings | more))


def teacher_option(text: str, **more: Any) -> Callable[[F], F]:
    """Make `--teacher`: a run's name, or the path of a network's file."""
    return click.option("--teacher", metavar="RUN|FILE", help=text, **more)
