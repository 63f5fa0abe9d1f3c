"""`facegauge events`: what happens to the streams of a server, as JSON lines."""

from __future__ import annotations

import asyncio
import contextlib

import click

from facegauge_client.cli.options import ServerOptions, reconnect_timeout_option, server_options
from facegauge_client.cli.output import write_stdout_line
from facegauge_client.sdk.kinds import EventKind
from facegauge_client.sdk.types import EventPosition

__all__ = ["events"]

KINDS = [kind.value for kind in EventKind if kind is not EventKind.UNSPECIFIED]


@click.command(
    epilog="""\b
Examples:
  facegauge events
  facegauge events --call-id standup --kind band_changed --kind cause_began
  facegauge events --oldest | jq -r 'select(.kind == "stream_ended") | .summary.mean_quality'

Every line is an Event with the interface's field names, or has `missed` and `restarted`: events that nobody
will send any more. Ctrl-C ends it.""",
)
@server_options
@click.option("--call-id", default="", help="Only the streams of this call.")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this; may be repeated.")
@click.option("--oldest", is_flag=True, help="Begin with the oldest event that the server keeps.")
@reconnect_timeout_option("Longest time to try for a server that cannot be reached.")
def events(
    server: ServerOptions, call_id: str, kinds: tuple[str, ...], oldest: bool, reconnect_timeout_s: float
) -> None:
    """Print what happens to streams, a line of JSON for each event, as it happens."""
    wanted = [EventKind(kind) for kind in kinds]
    after = EventPosition() if oldest else None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_print(server, call_id, wanted, after, reconnect_timeout_s))


async def _print(
    server: ServerOptions,
    call_id: str,
    kinds: list[EventKind],
    after: EventPosition | None,
    reconnect_timeout_s: float,
) -> None:
    async with server.client() as client:
        watched = client.watch_events(
            call_id, kinds=kinds, after=after, reconnect_timeout_s=reconnect_timeout_s
        )
        async with contextlib.aclosing(watched):
            async for event in watched:
                write_stdout_line(event)
