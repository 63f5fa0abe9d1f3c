"""The gateway's tests run against the real server, as a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from facegauge_client import Client
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.metrics import Metrics
from tests.end_to_end.conftest import ServerProcess, run_server, start_server_process

from .gateway_process import GatewayProcess, MediaServer, run_gateway

__all__ = ["client", "forwarder", "hub", "metrics", "server", "start_gateway", "start_server_process"]

StartGateway = Callable[..., GatewayProcess]


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """One server with its defaults for all: streams of different tests do not know of each other."""
    with run_server() as process:
        yield process


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


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Starts gateways: `start_gateway(server_address, "rtp", *flags)`."""
    with ExitStack() as stack:
        yield lambda server, *flags: stack.enter_context(run_gateway(tmp_path, server, *flags))


@pytest.fixture
def forwarder() -> Iterator[Callable[[str], MediaServer]]:
    """Makes media servers that forward to an address."""
    with ExitStack() as stack:

        def make(address: str) -> MediaServer:
            made = MediaServer(address)
            stack.callback(made.close)
            return made

        yield make
