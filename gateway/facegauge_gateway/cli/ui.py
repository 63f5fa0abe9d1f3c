"""`facegauge-gateway ui`: a page in the browser."""

from __future__ import annotations

import asyncio

import click

from facegauge_gateway.cli.coded_options import Coded, coded_options
from facegauge_gateway.cli.options import POSITIVE, Shared, shared_options
from facegauge_gateway.cli.publisher_options import Publishers, publisher_options
from facegauge_gateway.serve import Parts, serve
from facegauge_gateway.ui import UiDoor, UiSettings, UrlTemplate
from facegauge_gateway.whip_door import WhipDoor

__all__ = ["ui"]

DEFAULT_HTTP = "127.0.0.1:9466"
MAX_FPS = 5.0
"""An answer every 0.2 s, so that a person sees what their hand on the lamp does within half a second."""


@click.command(
    epilog="""\b
Examples:
  facegauge-gateway ui
  facegauge-gateway ui --dashboard-url 'https://grafana.example/d/facegauge-stream?var-stream={stream_id}'
  facegauge-gateway ui --http-listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem \\
      --read-tokens readers.txt --publish-tokens publishers.txt

Open http://HOST:PORT/ in a browser."""
)
@click.option(
    "--dashboard-url",
    metavar="URL",
    help="Address that a stream's page links to, with {stream_id} and {call_id} where they belong.",
)
@click.option("--runbook-url", metavar="URL", help="Address that a cause links to, with {cause}.")
@click.option(
    "--max-clip-mb",
    type=POSITIVE,
    default=500.0,
    show_default=True,
    help="Size of a clip that may be dropped on the page, at most.",
)
@click.option(
    "--max-clips",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Clips that are uploaded or play at a time.",
)
@publisher_options
@coded_options
@shared_options(http_listen=DEFAULT_HTTP, max_fps=MAX_FPS)
def ui(
    shared: Shared,
    coded: Coded,
    publishers: Publishers,
    dashboard_url: str | None,
    runbook_url: str | None,
    max_clip_mb: float,
    max_clips: int,
) -> None:
    """Show a page: all live streams, one's own camera with its score, and clips that are dropped on it.

    The page is at / on --http-listen, with the endpoint of WHIP for its camera. It asks nothing of any other
    address. Beyond loopback it wants TLS, --read-tokens and --publish-tokens.
    """
    settings = UiSettings(
        dashboard_url=UrlTemplate.parse(dashboard_url, "--dashboard-url") if dashboard_url else None,
        runbook_url=UrlTemplate.parse(runbook_url, "--runbook-url") if runbook_url else None,
        max_clip_bytes=round(max_clip_mb * 1e6),
        max_clips=max_clips,
    )
    whip_settings = publishers.settings(shared, coded)

    def make_door(parts: Parts) -> UiDoor:
        whip = WhipDoor(
            whip_settings, parts.client, shared.server.client_with_token, parts.hub, parts.metrics, parts.app
        )
        return UiDoor(
            settings,
            whip_settings,
            whip,
            shared.server,
            parts.client,
            parts.metrics,
            parts.app,
            parts.read_tokens,
            shared.settings.allowed_origins,
        )

    asyncio.run(serve(shared.settings, shared.client, make_door))
