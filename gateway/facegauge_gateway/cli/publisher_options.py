"""Options of the subcommands that take publishers by WHIP: who may publish, and how many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from facegauge_gateway.cli.coded_options import Coded
from facegauge_gateway.cli.options import FILE, POSITIVE, Shared
from facegauge_gateway.whip_door import CameraLimits, WhipSettings

__all__ = ["Publishers", "publisher_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Publishers:
    """What a subcommand gets from these options."""

    publish_tokens: Path | None
    forward_tokens: bool
    max_sessions: int
    max_sessions_per_address: int
    connect_timeout_s: float

    def settings(self, shared: Shared, coded: Coded) -> WhipSettings:
        """Return the settings of the WHIP door; raises BadConfiguration."""
        return WhipSettings(
            stream=coded.apply(shared.stream),
            is_loopback=shared.settings.http_listen.is_loopback,
            insecure=shared.settings.insecure,
            publish_tokens=self.publish_tokens,
            forward_tokens=self.forward_tokens,
            max_sessions=self.max_sessions,
            max_sessions_per_address=self.max_sessions_per_address,
            connect_timeout_s=self.connect_timeout_s,
            idle_timeout_s=coded.idle_timeout_s,
            camera=CameraLimits(
                max_bytes_per_s=coded.max_stream_bytes_per_s, pli_interval_s=coded.pli_interval_s
            ),
        )


def publisher_options(command: Command) -> Command:
    """Add the options; the command receives them as `publishers`."""

    @click.option(
        "--publish-tokens",
        type=FILE,
        help="Bearer tokens that may publish, one a line; reread when it changes.",
    )
    @click.option(
        "--forward-tokens",
        is_flag=True,
        help="Show the publisher's bearer token to the server, which decides.",
    )
    @click.option("--max-sessions", type=click.IntRange(min=1), default=32, show_default=True)
    @click.option(
        "--max-sessions-per-address",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        help="Publishers of one address at a time.",
    )
    @click.option(
        "--connect-timeout",
        "connect_timeout_s",
        type=POSITIVE,
        default=15.0,
        show_default=True,
        metavar="SECONDS",
        help="Time from an offer to its first picture.",
    )
    @functools.wraps(command)
    def wrapper(
        publish_tokens: Path | None,
        forward_tokens: bool,
        max_sessions: int,
        max_sessions_per_address: int,
        connect_timeout_s: float,
        **options: Any,
    ) -> Any:
        publishers = Publishers(
            publish_tokens, forward_tokens, max_sessions, max_sessions_per_address, connect_timeout_s
        )
        return command(publishers=publishers, **options)

    return wrapper  # type: ignore[return-value]  # the same command, with other parameters
