"""`facegauge-gateway whip`: browsers, OBS and GStreamer publish."""

from __future__ import annotations

import asyncio

import click

from facegauge_gateway.cli.coded_options import Coded, coded_options
from facegauge_gateway.cli.options import Shared, shared_options
from facegauge_gateway.cli.publisher_options import Publishers, publisher_options
from facegauge_gateway.serve import serve
from facegauge_gateway.whip_door import WhipDoor

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
@publisher_options
@coded_options
@shared_options()
def whip(shared: Shared, coded: Coded, publishers: Publishers) -> None:
    """Take publishers by WHIP (RFC 9725): a browser, OBS or GStreamer sends its camera here.

    The endpoint is /whip/STREAM_ID on --http-listen. Coded pictures (H.264, VP8, VP9, AV1) are put together
    from their packets and forwarded as they are: nothing is decoded here. A publisher that opens a data
    channel labelled "facegauge" gets its answers there.
    """
    settings = publishers.settings(shared, coded)
    asyncio.run(
        serve(
            shared.settings,
            shared.client,
            lambda parts: WhipDoor(
                settings, parts.client, shared.server.client_with_token, parts.hub, parts.metrics, parts.app
            ),
        )
    )
