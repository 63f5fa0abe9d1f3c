"""Pages that read live data: so many at a time, let go as the gateway stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import web

from facegauge_gateway.http.refusals import full
from facegauge_gateway.http.server_sent import send_stream
from facegauge_gateway.ui.ui_metrics import UiMetrics

__all__ = ["Readers"]


class Readers:
    """Places for connections that stay."""

    def __init__(self, max_readers: int, metrics: UiMetrics) -> None:
        self._max_readers = max_readers
        self._metrics = metrics
        self._taken = 0
        self._closed = asyncio.Event()

    async def send(
        self, request: web.Request, data: str, messages: AsyncGenerator[bytes]
    ) -> web.StreamResponse:
        """Send events to a page until it leaves; raises 503 where there is no place.

        `data` says in the metrics what is read.
        """
        if self._taken >= self._max_readers:
            self._metrics.refused.labels("readers").inc()
            raise full(f"{self._max_readers} pages read from this gateway already: close one, then reload")
        self._taken += 1
        self._metrics.readers.labels(data).inc()
        try:
            return await send_stream(request, messages, until=self._closed)
        finally:
            self._taken -= 1
            self._metrics.readers.labels(data).dec()

    def close(self) -> None:
        """Let all go, and who comes later at once."""
        self._closed.set()
