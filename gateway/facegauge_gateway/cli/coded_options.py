"""Options of the subcommands that forward coded video: what is decoded, asked for and taken."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from facegauge_client import Decode
from facegauge_gateway.cli.options import POSITIVE
from facegauge_gateway.forward import StreamSettings

__all__ = ["Coded", "coded_options"]

Command = TypeVar("Command", bound=Callable[..., Any])
DECODE = {decode.value.replace("_", "-"): decode for decode in Decode}


@dataclass(frozen=True, slots=True)
class Coded:
    """What a subcommand gets from these options."""

    decode: Decode
    batch_interval_s: float
    pli_interval_s: float
    idle_timeout_s: float
    max_stream_bytes_per_s: float

    def apply(self, stream: StreamSettings) -> StreamSettings:
        """Return a stream's settings with what these options say of it."""
        return replace(stream, decode=self.decode, batch_interval_s=self.batch_interval_s)


def coded_options(command: Command) -> Command:
    """Add the options; the command receives them as `coded`."""

    @click.option(
        "--decode",
        type=click.Choice(list(DECODE)),
        default="auto",
        show_default=True,
        help="What is decoded.",
    )
    @click.option(
        "--batch-interval",
        "batch_interval_s",
        type=click.FloatRange(0, 1),
        default=0.1,
        show_default=True,
        metavar="SECONDS",
        help="Units of so long travel to the server in one message.",
    )
    @click.option(
        "--pli-interval",
        "pli_interval_s",
        type=POSITIVE,
        default=1.0,
        show_default=True,
        metavar="SECONDS",
        help="Shortest time between two requests for a keyframe.",
    )
    @click.option(
        "--idle-timeout",
        "idle_timeout_s",
        type=POSITIVE,
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="Silence after which a stream ends.",
    )
    @click.option(
        "--max-stream-mbps",
        type=POSITIVE,
        default=20.0,
        show_default=True,
        help="Megabits a second of one stream; packets beyond are dropped.",
    )
    @functools.wraps(command)
    def wrapper(
        decode: str,
        batch_interval_s: float,
        pli_interval_s: float,
        idle_timeout_s: float,
        max_stream_mbps: float,
        **options: Any,
    ) -> Any:
        bytes_per_s = max_stream_mbps * 1e6 / 8
        coded = Coded(DECODE[decode], batch_interval_s, pli_interval_s, idle_timeout_s, bytes_per_s)
        return command(coded=coded, **options)

    return wrapper  # type: ignore[return-value]  # the same command, with other parameters
