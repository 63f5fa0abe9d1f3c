"""Whether streams can be taken: the server answers, and nothing drains."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from facegauge_client import FacegaugeError, HealthStatus
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics

__all__ = ["Readiness"]

CHECK_INTERVAL_S = 2.0


class Readiness:
    """Asks the server's health service again and again."""

    def __init__(self, check: Callable[[], Awaitable[HealthStatus]], metrics: Metrics) -> None:
        """Begin unready.

        Args:
            check: asks the server; raises FacegaugeError where it does not answer.
            metrics: show the state.
        """
        self._check = check
        self._metrics = metrics
        self._log = Log()
        self._server = "the server has not been asked yet"
        self._draining = False

    def reasons(self) -> list[str]:
        """Return what stands against taking streams; empty when ready."""
        draining = ["the gateway is draining"] if self._draining else []
        return [*draining, *([self._server] if self._server else [])]

    def drain(self) -> None:
        """Be unready from now on."""
        self._draining = True
        self._show()

    async def watch(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def look(self) -> None:
        """Ask once."""
        try:
            status = await self._check()
            reason = "" if status is HealthStatus.SERVING else f"the server says that it is {status}"
        except FacegaugeError as error:
            reason = str(error)
        if reason != self._server:
            self._server = reason
            if reason:
                self._log.warning("the server is not ready", reason=reason)
            else:
                self._log.info("the server is ready")
        self._show()

    def _show(self) -> None:
        self._metrics.ready.set(not self.reasons())
