"""`facegauge-gateway whip`: browsers, OBS and GStreamer publish."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from facegauge_gateway.cli.coded_options import Coded, coded_options
from facegauge_gateway.cli.options import FILE, POSITIVE, Shared, shared_options
from facegauge_gateway.serve import serve
from facegauge_gateway.whip_door import CameraLimits, WhipDoor, WhipSettings

__all__ = ["whip"]


@click.command(
    epilog="""\b
Examples:
  facegauge-gateway whip
  facegauge-gateway whip --allow-origin https://meet.example --publish-tokens tokens.txt \\
      --http-listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem --read-tokens readers.txt
  facegauge-gateway whip --forward-tokens --answers -

Publish to http://HOST:PORT/whip/STREAM_ID, with ?call_id=CALL for the name of the call."""
)
@click.option(
    "--publish-tokens", type=FILE, help="Bearer tokens that may publish, one a line; reread when it changes."
)
@click.option(
    "--forward-tokens", is_flag=True, help="Show the publisher's bearer token to the server, which decides."
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
@coded_options
@shared_options
def whip(
    shared: Shared,
    coded: Coded,
    publish_tokens: Path | None,
    forward_tokens: bool,
    max_sessions: int,
    max_sessions_per_address: int,
    connect_timeout_s: float,
) -> None:
    """Take publishers by WHIP (RFC 9725): a browser, OBS or GStreamer sends its camera here.

    The endpoint is /whip/STREAM_ID on --http-listen. Coded pictures (H.264, VP8, VP9, AV1) are put together
    from their packets and forwarded as they are: nothing is decoded here. A publisher that opens a data
    channel labelled "facegauge" gets its answers there.
    """
    settings = WhipSettings(
        stream=coded.apply(shared.stream),
        is_loopback=shared.settings.http_listen.is_loopback,
        insecure=shared.settings.insecure,
        publish_tokens=publish_tokens,
        forward_tokens=forward_tokens,
        max_sessions=max_sessions,
        max_sessions_per_address=max_sessions_per_address,
        connect_timeout_s=connect_timeout_s,
        idle_timeout_s=coded.idle_timeout_s,
        camera=CameraLimits(
            max_bytes_per_s=coded.max_stream_bytes_per_s, pli_interval_s=coded.pli_interval_s
        ),
    )
    asyncio.run(
        serve(
            shared.settings,
            shared.client,
            lambda parts: WhipDoor(
                settings, parts.client, shared.client_with_token, parts.hub, parts.metrics, parts.app
            ),
        )
    )
