"""One gateway with its page for all tests that leave it and its server as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.end_to_end.conftest import ServerProcess
from tests.gateway.gateway_process import GatewayProcess, run_gateway

from .page_reader import Page, page_of


@pytest.fixture(scope="session")
def gateway(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """`facegauge-gateway ui`, beside the server."""
    with run_gateway(tmp_path_factory.mktemp("ui"), server.listen, "ui") as process:
        yield process


@pytest.fixture
async def page(gateway: GatewayProcess) -> AsyncIterator[Page]:
    """The shared gateway's page."""
    async with page_of(gateway.http) as opened:
        yield opened
