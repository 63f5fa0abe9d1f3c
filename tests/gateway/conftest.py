"""The gateway's tests run against the real server, as a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from facegauge_client import Client
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.metrics import Metrics
from tests.end_to_end.conftest import ServerProcess, server, start_server_process

__all__ = ["client", "hub", "metrics", "server", "start_server_process"]


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Client]:
    """The SDK, connected to a server with its defaults."""
    async with Client(server.listen) as connected:
        yield connected


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def hub(metrics: Metrics) -> AnswerHub:
    return AnswerHub(metrics)
