"""Operators get metrics, liveness and readiness over HTTP, within bounds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import aiohttp
import pytest
import trustme
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families

from facegauge_server.config import Address
from facegauge_server.errors import BadConfiguration
from facegauge_server.monitoring.endpoint import MAX_CONNECTIONS, MonitoringEndpoint
from facegauge_server.monitoring.exposition import Exposition
from facegauge_server.monitoring.metrics_token import MetricsToken
from facegauge_server.monitoring.readiness import Readiness

Start = Callable[..., Awaitable[Address]]
TOKEN = "0123456789abcdef-token"


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
async def start(readiness: Readiness) -> AsyncIterator[Start]:
    """Starts endpoints over a registry with one gauge."""
    registry = CollectorRegistry()
    Gauge("answer", "The answer", registry=registry).set(42)
    async with AsyncExitStack() as stack:

        async def start_one(
            token: MetricsToken | None = None, tls: ssl.SSLContext | None = None, port: int = 0
        ) -> Address:
            endpoint = MonitoringEndpoint(Exposition(registry), readiness, token)
            stack.push_async_callback(endpoint.close)
            return await endpoint.start(Address("127.0.0.1", port), tls)

        yield start_one


async def ask(url: str, method: str = "GET", **options: object) -> tuple[int, str, str]:
    """Return status, text and content type of an answer."""
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as response:  # type: ignore[arg-type]
        return response.status, await response.text(), response.headers.get("Content-Type", "")


async def test_metrics_come_in_the_format_that_is_accepted(start: Start) -> None:
    """Prometheus' text by default, OpenMetrics for who asks for it."""
    url = f"http://{await start()}/metrics"
    status, text, content_type = await ask(url)
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    (family,) = text_string_to_metric_families(text)
    assert [sample.value for sample in family.samples] == [42]
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    _, text, content_type = await ask(url, headers=accept)
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


async def test_liveness_is_not_readiness(start: Start, readiness: Readiness) -> None:
    """A live server says why it is not ready, until a picture has gone through."""
    url = f"http://{await start()}"
    assert (await ask(f"{url}/livez"))[:2] == (200, "alive\n")
    status, text, _ = await ask(f"{url}/readyz")
    assert (status, text) == (503, "no picture has gone through the pipeline yet\n")
    readiness.note_scored(asyncio.get_running_loop().time())
    assert (await ask(f"{url}/readyz"))[:2] == (200, "ready\n")
    readiness.set_fault("workers", "none can start")
    readiness.drain()
    status, text, _ = await ask(f"{url}/readyz")
    assert (status, text.splitlines()) == (503, ["draining", "workers: none can start"])
    assert (await ask(f"{url}/livez"))[0] == 200


async def test_anything_else_is_refused(start: Start) -> None:
    """Other paths and methods get a status that says so."""
    url = f"http://{await start()}"
    assert (await ask(f"{url}/"))[0] == 404
    assert (await ask(f"{url}/metrics", method="POST", data=b"x" * 100_000))[0] == 405


async def test_metrics_may_need_a_token(start: Start, tmp_path: Path) -> None:
    """Stream and call ids are shown to who has the token alone; health is not secret."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n{TOKEN}-next\n")
    url = f"http://{await start(MetricsToken(path))}"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        status, text, _ = await ask(f"{url}/metrics", headers=headers)
        assert status == 401
        assert "answer" not in text
    for token in (TOKEN, f"{TOKEN}-next"):
        assert (await ask(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"}))[0] == 200
    assert (await ask(f"{url}/livez"))[0] == 200


@pytest.mark.parametrize("text", ["", "\n\n", "short\n"])
def test_a_weak_token_stops_the_start(text: str, tmp_path: Path) -> None:
    """The message says how to make a better one."""
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(BadConfiguration, match="openssl rand"):
        MetricsToken(path)


async def test_metrics_over_tls(start: Start) -> None:
    """With a certificate, plain HTTP gets nothing."""
    ca = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("127.0.0.1").configure_cert(server)
    ca.configure_trust(client)
    address = await start(tls=server)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"https://{address}/metrics", ssl=client) as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://{address}/metrics")


async def test_idle_connections_do_not_lock_scrapers_out(start: Start) -> None:
    """A flood of connections that ask for nothing costs the flood its oldest ones."""
    address = await start()
    async with AsyncExitStack() as stack:
        idle = []
        for _ in range(2 * MAX_CONNECTIONS):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            stack.enter_context(closing(writer))
            idle.append(reader)
        assert (await ask(f"http://{address}/metrics"))[0] == 200
        first = await asyncio.wait_for(idle[0].read(), timeout=30)
        assert first == b""


async def test_a_taken_port_is_explained(start: Start) -> None:
    """The flag stands in the message."""
    address = await start()
    with pytest.raises(BadConfiguration, match="--metrics-listen"):
        await start(port=address.port)
