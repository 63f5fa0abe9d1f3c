"""One RPC that feeds a session, and the frame rates that it is held to."""

from __future__ import annotations

import asyncio
import enum

from facegauge_server.config import Config, StreamSettings
from facegauge_server.streams.buffers import Outbox, create_inbox
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.types import Delivery

__all__ = ["Connection", "Ending", "allowed_fps", "steady_fps"]


class Ending(enum.Enum):
    """Why the server ends a connection."""

    DRAINING = "draining"
    """The server is shutting down: what was received is finished first."""
    TAKEN_OVER = "taken_over"
    """Another connection presented the stream's resume token."""


class Connection:
    """One RPC that feeds a session: its two buffers, and the future that ends it. Needs a running loop."""

    def __init__(
        self,
        settings: StreamSettings,
        *,
        max_fps: float,
        min_fps: float,
        tenant_limit: RateLimit | None = None,
    ) -> None:
        self.inbox = create_inbox(
            settings.delivery, max_fps=max_fps, min_fps=min_fps, tenant_limit=tenant_limit
        )
        self.outbox = Outbox(settings.delivery)
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        """Done once the server ends the connection; its result is the reason."""

    def end(self, why: Ending) -> None:
        """Ask whoever runs the connection to end it; only the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(why)


def steady_fps(settings: StreamSettings, config: Config) -> float:
    """Return the minimum fps scored on a steady stream, enough not to go stale; 0 scores all."""
    if settings.delivery is Delivery.COMPLETE or not settings.min_fps:
        return 0.0
    return max(settings.min_fps, 2 / config.stale_after_s)


def allowed_fps(settings: StreamSettings, config: Config) -> float:
    """Return the maximum fps of a stream; 0 is no limit, which only COMPLETE delivery may have."""
    limit = config.limits.max_stream_fps
    if settings.delivery is Delivery.LIVE:
        return min(settings.max_fps or limit, limit)
    return settings.max_fps
