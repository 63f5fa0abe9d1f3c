"""The page's door: its own routes, and WHIP for the browser's camera, on one application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from facegauge_client import Client
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.server_access import ServerAccess
from facegauge_gateway.token_file import TokenFile
from facegauge_gateway.ui.clips.routes import ClipRoutes
from facegauge_gateway.ui.guard import Guard
from facegauge_gateway.ui.live_pages import LivePages
from facegauge_gateway.ui.page_files import PageFiles
from facegauge_gateway.ui.readers import Readers
from facegauge_gateway.ui.settings import UiSettings
from facegauge_gateway.ui.ui_metrics import UiMetrics
from facegauge_gateway.whip_door import WhipDoor, WhipSettings

__all__ = ["UiDoor"]


class UiDoor:
    """Serves the page from `open` to `drain`, and follows the server for it."""

    def __init__(
        self,
        settings: UiSettings,
        whip_settings: WhipSettings,
        whip: WhipDoor,
        server: ServerAccess,
        client: Client,
        metrics: Metrics,
        app: web.Application,
        tokens: TokenFile | None,
        allowed_origins: frozenset[str],
    ) -> None:
        """Add the door's routes to an application that has not started.

        Args:
            settings: of the page.
            whip_settings: of publishers, and of where the gateway listens.
            whip: takes publishers on the same application.
            server: where the processes that play clips find the server.
            client: follows the server.
            metrics: whose registry gets the page's.
            app: where the routes go.
            tokens: open what shows streams; None where no token is asked for.
            allowed_origins: origins of other pages that may read.
        """
        self._whip = whip
        ui_metrics = UiMetrics(metrics.registry)
        guard = Guard(
            loopback_names_only=whip_settings.is_loopback
            and not whip_settings.insecure
            and (tokens is None or not whip.asks_for_token),
            allowed_origins=allowed_origins,
            metrics=ui_metrics,
        )
        guard.protect(app)
        self._readers = Readers(settings.max_readers, ui_metrics)
        self._live = LivePages(
            settings, client, tokens, self._readers, needs_publish_token=whip.asks_for_token
        )
        self._clips = ClipRoutes(settings, server, whip, tokens, self._readers, ui_metrics)
        PageFiles().add_to(app)
        self._live.add_to(app)
        self._clips.add_to(app)
        self._following: list[asyncio.Task[None]] = []

    async def open(self) -> Mapping[str, object]:
        """Begin to follow the server and to take publishers; returns the paths of page and endpoint."""
        self._following = [
            asyncio.create_task(self._live.wall.watch(), name="wall"),
            asyncio.create_task(self._live.events.watch(), name="events"),
        ]
        return {"page": "/", **await self._whip.open()}

    async def drain(self) -> None:
        """Let all readers go, and finish the publishers."""
        self._readers.close()
        await asyncio.gather(self._clips.close(), self._whip.drain())
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
