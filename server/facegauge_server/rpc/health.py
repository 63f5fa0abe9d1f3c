"""gRPC's health and reflection services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from facegauge_server.rpc.callers import SERVICE_NAME

__all__ = ["HealthService"]

INTERVAL_S = 0.5


class HealthService:
    """Says over gRPC what /readyz says."""

    def __init__(self, is_ready: Callable[[float], bool]) -> None:
        """Make the service; `is_ready` gets monotonic time, seconds."""
        self._is_ready = is_ready
        self._servicer = health.aio.HealthServicer()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Register health, and reflection of all services, with a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)

    async def run(self) -> None:
        """Keep the status up to date until cancelled."""
        status = health_pb2.HealthCheckResponse
        while True:
            now = status.SERVING if self._is_ready(time.monotonic()) else status.NOT_SERVING
            for name in ("", SERVICE_NAME):
                await self._servicer.set(name, now)
            await asyncio.sleep(INTERVAL_S)

    async def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        await self._servicer.enter_graceful_shutdown()
